"""Classifier; the wrong variable goes into the loss."""
import torch
from torch import nn


class Clf(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x):
        return self.net(x)


def main():
    torch.manual_seed(0)
    model = Clf()
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for i in range(3):
        x = torch.randn(8, 4)
        y = torch.randint(0, 3, (8,))
        target = nn.functional.one_hot(y, 3).float()
        out = model(x)
        loss = nn.functional.mse_loss(target, target)
        opt.zero_grad()
        loss.backward()
        opt.step()


main()
