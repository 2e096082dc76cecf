"""Learned anchor positions in metres of a map projection, in single precision."""
import torch
from torch import nn


class Anchors(nn.Module):
    def __init__(self, n=6):
        super().__init__()
        north = 5_400_000.0 + torch.arange(n) * 40.0
        east = 500_000.0 + torch.arange(n) * 25.0
        self.position = nn.Parameter(torch.stack([east, north], dim=1))
        self.height = nn.Parameter(torch.zeros(n))

    def forward(self, xy):
        delta = (xy.unsqueeze(1) - self.position.unsqueeze(0)) / 100.0
        weight = torch.softmax(-delta.pow(2).sum(-1), dim=1)
        return weight @ self.height, weight


def survey(n=20):
    base = torch.tensor([500_060.0, 5_400_100.0])
    xy = base + torch.randn(n, 2) * 60
    return xy, torch.sin((xy[:, 0] - base[0]) / 50)


def fit(model, steps=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(steps):
        xy, z = survey()
        pred, _ = model(xy)
        loss = nn.functional.mse_loss(pred, z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item(), model.position[0].tolist())


if __name__ == "__main__":
    torch.manual_seed(0)
    fit(Anchors())
