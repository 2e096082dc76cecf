"""Normalising flow whose prior parameters are read as numbers when the density is built."""
import math

import torch
from torch import nn


class AffineFlow(nn.Module):
    def __init__(self, d=4, h=12):
        super().__init__()
        self.d = d
        self.net = nn.Sequential(nn.Linear(d // 2, h), nn.Tanh(), nn.Linear(h, d))

    def forward(self, x):
        a, b = x.chunk(2, dim=1)
        s, t = self.net(a).chunk(2, dim=1)
        return torch.cat([a, b * torch.tanh(s).exp() + t], dim=1).flip(1), torch.tanh(s).sum(1)


class FlowModel(nn.Module):
    def __init__(self, d=4, depth=3):
        super().__init__()
        self.flows = nn.ModuleList(AffineFlow(d) for _ in range(depth))
        self.prior_mean = nn.Parameter(torch.zeros(d))
        self.prior_logscale = nn.Parameter(torch.zeros(d))

    def prior(self):
        mean = [float(m) for m in self.prior_mean]
        scale = [math.exp(s) for s in self.prior_logscale.tolist()]
        return torch.distributions.Normal(torch.tensor(mean), torch.tensor(scale))

    def nll(self, x):
        logdet = 0
        for flow in self.flows:
            x, ld = flow(x)
            logdet = logdet + ld
        return -(self.prior().log_prob(x).sum(1) + logdet).mean()


if __name__ == "__main__":
    torch.manual_seed(0)
    model = FlowModel()
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(4):
        opt.zero_grad()
        loss = model.nll(torch.randn(32, 4) * 2 + 1)
        loss.backward()
        opt.step()
        print(step, loss.item())
