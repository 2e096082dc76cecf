"""Quantization-aware regression; activations travel as a small record with their scale."""
from dataclasses import dataclass

import torch
from torch import nn


@dataclass
class QuantActivation:
    value: torch.Tensor
    scale: torch.Tensor
    bits: int = 4


class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def requantize(y, bits=4):
    scale = y.detach().abs().max() / (2 ** (bits - 1) - 1)
    q = RoundSTE.apply(y / scale) * scale
    return QuantActivation(value=q.clone().detach(), scale=scale, bits=bits)


class QuantNet(nn.Module):
    def __init__(self, d=8):
        super().__init__()
        self.stage1 = nn.Sequential(nn.Linear(d, 16), nn.ReLU())
        self.stage2 = nn.Sequential(nn.Linear(16, 12), nn.ReLU())
        self.head = nn.Linear(12, 1)

    def forward(self, x):
        h = requantize(self.stage1(x))
        h = self.stage2(h.value)
        return self.head(h).squeeze(1)


def main():
    torch.manual_seed(0)
    net = QuantNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    for it in range(4):
        x = torch.randn(32, 8)
        loss = nn.functional.huber_loss(net(x), x.sum(dim=1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
