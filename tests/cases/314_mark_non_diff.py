"""Rounds codes in a custom function."""
import torch
from torch import nn


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        out = torch.round(x)
        ctx.mark_non_differentiable(out)
        return out

    @staticmethod
    def backward(ctx, g):
        return g


class Coder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Linear(6, 3)
        self.dec = nn.Linear(3, 6)

    def forward(self, x):
        code = Round.apply(4 * torch.tanh(self.enc(x)))
        return self.dec(code)


torch.manual_seed(0)
net = Coder()
opt = torch.optim.Adam(net.parameters(), lr=0.01)
for i in range(3):
    x = torch.randn(10, 6)
    loss = (net(x) - x).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
