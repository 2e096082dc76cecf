"""Loss weights annealed from a schedule; the contrastive weight stays at zero for ever."""
import math
from dataclasses import dataclass

import torch
from torch import nn
import torch.nn.functional as F


@dataclass
class LossWeights:
    cls: float = 1.0
    con: float = 0.0
    warmup: int = 10

    def at(self, step):
        ramp = min(1, step // self.warmup)
        return {"cls": self.cls, "con": ramp * 0.5}


class TwoHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(8, 16)
        self.cls = nn.Linear(16, 4)
        self.con = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, x):
        h = torch.relu(self.trunk(x))
        return {"cls": self.cls(h), "con": F.normalize(self.con(h), dim=1)}


class Objective(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def forward(self, out, y, step):
        w = self.weights.at(step)
        sim = out["con"] @ out["con"].t() / 0.5
        same = (y[:, None] == y[None]).float()
        con = F.binary_cross_entropy_with_logits(sim, same)
        return w["cls"] * F.cross_entropy(out["cls"], y) + w["con"] * con


def main():
    torch.manual_seed(0)
    model, objective = TwoHead(), Objective(LossWeights())
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(5):
        x = torch.randn(16, 8)
        loss = objective(model(x), x[:, :4].argmax(1), step)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
