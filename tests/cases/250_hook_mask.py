"""Ratio features with a hook against non-finite gradients."""
import torch
from torch import nn


def guard(mask):
    def mask_grad(grad):
        return torch.where(mask, torch.zeros_like(grad), grad)

    return mask_grad


class RatioNet(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.num = nn.Linear(d, 8)
        self.den = nn.Linear(d, 8)
        self.out = nn.Linear(8, 1)

    def forward(self, x):
        den = torch.nn.functional.softplus(self.den(x)) + 0.1
        ratio = torch.tanh(self.num(x)) / den
        if ratio.requires_grad:
            ratio.register_hook(guard(torch.isfinite(ratio)))
        return self.out(ratio).squeeze(1)


class Fit:
    def __init__(self, net):
        self.net = net
        self.opt = torch.optim.Adam(net.parameters(), lr=1e-2)

    def step(self, x, y):
        self.opt.zero_grad()
        loss = (self.net(x) - y).abs().mean()
        loss.backward()
        self.opt.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(0)
    fit = Fit(RatioNet())
    for it in range(4):
        x = torch.randn(16, 6)
        print(it, fit.step(x, x[:, 0] / (1 + x[:, 1].abs())))
