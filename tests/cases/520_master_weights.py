"""Mixed precision in bf16 with master weights (healthy)."""
import copy

import torch
from torch import nn


class MasterWeights:
    """fp32 copies that the optimizer steps; the bf16 model only computes gradients."""

    def __init__(self, model):
        self.model = model
        self.master = [p.detach().float().clone().requires_grad_() for p in model.parameters()]

    def pull_grads(self):
        for m, p in zip(self.master, self.model.parameters()):
            m.grad = p.grad.float()

    def push(self):
        for m, p in zip(self.master, self.model.parameters()):
            p.data.copy_(m)


def main():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3)).to(torch.bfloat16)
    weights = MasterWeights(model)
    opt = torch.optim.AdamW(weights.master, lr=1e-3)
    for step in range(4):
        x = torch.randn(16, 6)
        loss = nn.functional.cross_entropy(model(x.bfloat16()).float(), x[:, :3].argmax(1))
        model.zero_grad()
        loss.backward()
        weights.pull_grads()
        opt.step()
        weights.push()
        print(step, loss.item())


if __name__ == "__main__":
    main()
