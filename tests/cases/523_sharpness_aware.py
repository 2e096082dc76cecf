"""Sharpness-aware minimisation written as an optimizer wrapper (healthy)."""
import torch
from torch import nn


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kw):
        super().__init__(params, dict(rho=rho, **kw))
        self.base = base(self.param_groups, **kw)

    @torch.no_grad()
    def first_step(self):
        norm = torch.norm(torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]))
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is not None:
                    e = p.grad * (g["rho"] / (norm + 1e-12))
                    p.add_(e)
                    self.state[p]["e"] = e
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for g in self.param_groups:
            for p in g["params"]:
                if "e" in self.state[p]:
                    p.sub_(self.state[p]["e"])
        self.base.step()
        self.zero_grad()

    def step(self, closure=None):
        raise NotImplementedError


def main():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 2))
    opt = SAM(net.parameters(), torch.optim.SGD, lr=0.1)
    for it in range(4):
        x = torch.randn(16, 6)
        y = (x.sum(1) > 0).long()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        opt.first_step()
        nn.functional.cross_entropy(net(x), y).backward()
        opt.second_step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
