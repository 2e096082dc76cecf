"""Speech enhancer with a mask branch and a phase branch: one is not in the optimizer, one is cut."""
import torch
from torch import nn


class Branch(nn.Module):
    def __init__(self, d, act):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.act = act

    def forward(self, h):
        return self.act(self.fc(h))


class Enhancer(nn.Module):
    def __init__(self, d=10):
        super().__init__()
        self.stem = nn.Linear(d, d)
        self.branches = nn.ModuleDict({"mask": Branch(d, torch.sigmoid), "phase": Branch(d, torch.tanh)})
        self.scale = nn.ParameterList([nn.Parameter(torch.ones(d)) for _ in range(2)])

    def forward(self, spec):
        h = torch.relu(self.stem(spec))
        mask = self.branches["mask"](h) * self.scale[0]
        phase = self.branches["phase"](h)
        return mask * spec, phase * self.scale[1]


class SpectralLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = {"mag": 1.0, "phase": 0.5}

    def forward(self, out, clean):
        mag, phase = out
        terms = {"mag": (mag - clean).abs().mean(), "phase": 1 - torch.cos(torch.tensor(phase.tolist()) - clean).mean()}
        return sum(self.weights[k] * v for k, v in terms.items()), {k: v.item() for k, v in terms.items()}


def build_optimizer(model):
    groups = [
        {"params": model.stem.parameters(), "lr": 1e-3},
        {"params": model.branches["phase"].parameters()},
        {"params": model.scale},
    ]
    return torch.optim.AdamW(groups, lr=5e-3, weight_decay=0.0)


def main():
    torch.manual_seed(0)
    model, criterion = Enhancer(), SpectralLoss()
    opt = build_optimizer(model)
    for step in range(4):
        clean = torch.randn(8, 10)
        loss, logs = criterion(model(clean + 0.1 * torch.randn_like(clean)), clean)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, logs)


if __name__ == "__main__":
    main()
