"""Clamped activation with its own backward: the derivative mask is compared the wrong way round."""
import torch
from torch import nn


class ClampSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lo, hi):
        ctx.save_for_backward(x)
        ctx.lo, ctx.hi = lo, hi
        return x.clamp(lo, hi)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        inside = (x < ctx.lo) & (x > ctx.hi)
        return grad * inside, None, None


class Block(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.lin = nn.Linear(d_in, d_out)
        self.norm = nn.BatchNorm1d(d_out)

    def forward(self, x):
        return ClampSTE.apply(self.norm(self.lin(x)), -4.0, 4.0)


class QuantNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(8, 16), Block(16, 16))
        self.fc = nn.Linear(16, 2)

    def forward(self, x):
        return self.fc(self.blocks(x))


def main():
    torch.manual_seed(0)
    net = QuantNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for it in range(3):
        x = torch.randn(32, 8)
        loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
