"""Gradient of a table lookup written as a custom Function."""
import torch
from torch import nn


class ScaledLookup(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, table, index):
        rows = table[index]
        ctx.save_for_backward(rows)
        return x * rows

    @staticmethod
    def backward(ctx, grad_out):
        (rows,) = ctx.saved_tensors
        return grad_out * rows, None, None


class StyleModulation(nn.Module):
    def __init__(self, n_styles, d):
        super().__init__()
        self.table = nn.Parameter(1 + 0.1 * torch.randn(n_styles, d))

    def forward(self, x, style):
        return ScaledLookup.apply(x, self.table, style)


class StyleNet(nn.Module):
    def __init__(self, d=10):
        super().__init__()
        self.inp = nn.Linear(6, d)
        self.style = StyleModulation(5, d)
        self.out = nn.Linear(d, 6)

    def forward(self, x, style):
        return self.out(torch.tanh(self.style(self.inp(x), style)))


def main():
    torch.manual_seed(0)
    net = StyleNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-2)
    for it in range(4):
        x, style = torch.randn(14, 6), torch.randint(0, 5, (14,))
        loss = nn.functional.mse_loss(net(x, style), x * (style + 1).unsqueeze(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
