"""Reptile: the outer update interpolates from adapted weights (healthy)."""
import copy

import torch
from torch import nn


class Reptile:
    def __init__(self, model, outer=0.3, inner=0.05, k=3):
        self.model, self.outer, self.inner, self.k = model, outer, inner, k

    def task(self):
        amp, ph = torch.rand(1) * 2 + 0.5, torch.rand(1) * 3
        return lambda x: amp * torch.sin(x + ph)

    def step(self):
        before = copy.deepcopy(self.model.state_dict())
        opt = torch.optim.SGD(self.model.parameters(), lr=self.inner)
        f = self.task()
        for _ in range(self.k):
            x = torch.rand(10, 1) * 6 - 3
            loss = (self.model(x) - f(x)).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        after = self.model.state_dict()
        self.model.load_state_dict({n: before[n] + self.outer * (after[n] - before[n]) for n in before})
        return loss.item()


def main():
    torch.manual_seed(0)
    meta = Reptile(nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)))
    for it in range(4):
        print(it, meta.step())


if __name__ == "__main__":
    main()
