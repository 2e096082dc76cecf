"""Two-head detector loop, refactored into a train function."""
import torch
import torch.nn.functional as F
from torch import nn


class PyramidHeads(nn.Module):
    def __init__(self, c=10):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.ReLU())
        self.loc = nn.Conv2d(c, 4, 1)
        self.conf = nn.Conv2d(c, 2, 1)

    def forward(self, image):
        h = self.trunk(image)
        return self.loc(h), self.conf(h)


class MultiBoxLoss(nn.Module):
    def forward(self, out, boxes, labels):
        loc, conf = out
        return F.smooth_l1_loss(loc, boxes), F.cross_entropy(conf, labels)


def train(net, criterion, optimizer, loader):
    net.train()
    for step, (image, boxes, labels) in enumerate(loader):
        optimizer.zero_grad()
        loss_l, loss_c = criterion(net(image), boxes, labels)
        loss = loss_l + loss_c
        optimizer.step()
        print(f"iter {step} || loss {loss.item():.4f}")


def fake_loader(n):
    for _ in range(n):
        yield torch.rand(2, 1, 6, 6), torch.randn(2, 4, 6, 6), torch.randint(0, 2, (2, 6, 6))


if __name__ == "__main__":
    torch.manual_seed(0)
    net = PyramidHeads()
    train(net, MultiBoxLoss(), torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9), fake_loader(4))
