"""Conditional GAN: the critic is frozen for the generator's turn, and thawed only partly."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class Config:
    z: int = 6
    x: int = 10
    lr: float = 1e-3
    steps: int = 6


class Generator(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(cfg.z, 16), nn.ReLU(), nn.Linear(16, cfg.x))

    def forward(self, z):
        return self.net(z)


class Critic(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(cfg.x, 16), nn.LeakyReLU(0.2))
        self.head = nn.Linear(16, 1)

    def forward(self, x):
        return self.head(self.body(x))


def toggle(module, flag):
    for p in module.parameters():
        p.requires_grad_(flag)


class GanTrainer:
    def __init__(self, cfg):
        self.cfg = cfg
        self.nets = {"g": Generator(cfg), "d": Critic(cfg)}
        self.opts = {k: torch.optim.Adam(n.parameters(), lr=cfg.lr) for k, n in self.nets.items()}
        self.bce = nn.BCEWithLogitsLoss()

    def d_step(self, real):
        d, g = self.nets["d"], self.nets["g"]
        toggle(d.head, True)
        fake = g(torch.randn(len(real), self.cfg.z)).detach()
        loss = self.bce(d(real), torch.ones(len(real), 1)) + self.bce(d(fake), torch.zeros(len(real), 1))
        self.opts["d"].zero_grad()
        loss.backward()
        self.opts["d"].step()
        return loss.item()

    def g_step(self, n):
        d, g = self.nets["d"], self.nets["g"]
        toggle(d, False)
        loss = self.bce(d(g(torch.randn(n, self.cfg.z))), torch.ones(n, 1))
        self.opts["g"].zero_grad()
        loss.backward()
        self.opts["g"].step()
        return loss.item()

    def fit(self):
        for step in range(self.cfg.steps):
            g = self.g_step(16)
            d = self.d_step(torch.randn(16, self.cfg.x) + 1)
            print(step, g, d)


if __name__ == "__main__":
    torch.manual_seed(0)
    GanTrainer(Config()).fit()
