"""Multi-task model for sharded training; a zero term keeps every parameter in the graph."""
import torch
from torch import nn


class MultiTask(nn.Module):
    def __init__(self, d=8, tasks=("depth", "normal", "edge")):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(d, 16), nn.ReLU())
        self.heads = nn.ModuleDict({t: nn.Linear(16, 1) for t in tasks})

    def forward(self, x, wanted):
        h = self.shared(x)
        return {t: self.heads[t](h).squeeze(1) for t in wanted}


def keep_in_graph(model):
    return 0.0 * sum(p.sum() for p in model.parameters())


def compute(model, x, targets):
    out = model(x, targets.keys())
    losses = {t: nn.functional.mse_loss(out[t], y) for t, y in targets.items()}
    return sum(losses.values()) + keep_in_graph(model), losses


def main(wanted=("depth", "normal"), steps=4):
    torch.manual_seed(0)
    model = MultiTask()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
    for step in range(steps):
        x = torch.randn(12, 8)
        loss, parts = compute(model, x, {t: x[:, i] for i, t in enumerate(wanted)})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, {k: round(v.item(), 4) for k, v in parts.items()})


if __name__ == "__main__":
    main()
