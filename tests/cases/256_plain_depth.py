"""A plain stack of twenty-four sigmoid layers, without shortcuts."""
import torch
from torch import nn


def plain_stack(width, depth):
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.Sigmoid()]
    return nn.Sequential(*layers)


class PlainNet(nn.Module):
    def __init__(self, d=6, width=12, depth=24):
        super().__init__()
        self.stem = nn.Linear(d, width)
        self.body = plain_stack(width, depth)
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.body(torch.sigmoid(self.stem(x))))


class Schedule:
    def __init__(self, optimizer):
        self.inner = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)

    def __call__(self):
        self.inner.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    net = PlainNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    after = Schedule(optimizer)
    for it in range(4):
        x = torch.randn(32, 6)
        loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        after()
        print(it, loss.item())
