"""Weights moved up and back around the step."""
import torch
from torch import nn
class SAM:
    def __init__(self, params, base, rho=.05):
        self.ps, self.base, self.rho = list(params), base, rho
    @torch.no_grad()
    def first(self):
        n = torch.stack([p.grad.norm() for p in self.ps]).norm()
        self.e = [p.grad * self.rho / (n + 1e-12) for p in self.ps]
        for p, e in zip(self.ps, self.e): p.add_(e)
        for p in self.ps: p.grad = None
    @torch.no_grad()
    def second(self):
        for p, e in zip(self.ps, self.e): p.sub_(e)
        self.base.step()
        for p in self.ps: p.grad = None
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
opt = SAM(net.parameters(), torch.optim.SGD(net.parameters(), .05, momentum=.9))
for _ in range(4):
    x = torch.randn(16, 4)
    f = lambda: (net(x) - x[:, :1]).pow(2).mean()
    f().backward(); opt.first()
    l = f(); l.backward(); opt.second(); print(l.item())
