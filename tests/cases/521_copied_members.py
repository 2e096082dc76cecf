"""Deep ensemble: members are deep copies made after the optimizer was built for the prototype."""
import copy

import torch
from torch import nn


class Ensemble(nn.Module):
    def __init__(self, proto, n):
        super().__init__()
        self.members = nn.ModuleDict({f"m{i}": copy.deepcopy(proto) for i in range(n)})
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x):
        return torch.stack([m(x) for m in self.members.values()]).mean(0) / self.temperature


def make(lr):
    proto = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    opt = torch.optim.Adam(proto.parameters(), lr=lr)
    model = Ensemble(proto, 2)
    opt.add_param_group({"params": [model.temperature]})
    return model, opt


def main():
    torch.manual_seed(0)
    model, opt = make(1e-2)
    for it in range(4):
        x = torch.randn(16, 4)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(it, loss.item())


if __name__ == "__main__":
    main()
