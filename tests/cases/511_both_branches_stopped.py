"""SimSiam-like: predictor and projector; the stop-gradient sits on the wrong branch for both views."""
import copy

import torch
from torch import nn
import torch.nn.functional as F


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


class SimSiam(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = mlp(10, 24, 12)
        self.projector = mlp(12, 12, 12)
        self.predictor = mlp(12, 6, 12)

    def project(self, x):
        return self.projector(self.encoder(x))

    def forward(self, a, b):
        za, zb = self.project(a), self.project(b)
        return za, zb, self.predictor(za.detach()), self.predictor(zb.detach())


def neg_cos(p, z):
    return -F.cosine_similarity(p, z.detach(), dim=-1).mean()


def main():
    torch.manual_seed(0)
    model = SimSiam()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for it in range(3):
        x = torch.randn(16, 10)
        za, zb, pa, pb = model(x + 0.1 * torch.randn_like(x), x)
        loss = (neg_cos(pa, zb) + neg_cos(pb, za)) / 2
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
