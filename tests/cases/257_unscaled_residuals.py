"""Deep residual regression without normalisation, initialised too large."""
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.a = nn.Linear(d, d, bias=False)
        nn.init.normal_(self.a.weight, std=1.0)

    def forward(self, h):
        return h + torch.relu(self.a(h))


class DeepRegressor(nn.Module):
    def __init__(self, d=16, depth=14):
        super().__init__()
        self.inp = nn.Linear(5, d)
        self.blocks = nn.ModuleList(Residual(d) for _ in range(depth))
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        h = self.inp(x)
        for block in self.blocks:
            h = block(h)
        return self.out(h).squeeze(1)


def main():
    torch.manual_seed(0)
    net = DeepRegressor()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for step in range(3):
        x = torch.randn(24, 5)
        loss = nn.functional.l1_loss(net(x), x.sum(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, f"{loss.item():.3e}")


if __name__ == "__main__":
    main()
