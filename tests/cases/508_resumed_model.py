"""Training resumed from a checkpoint: the model is rebuilt, the optimizer is not."""
import io
from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class State:
    model: nn.Module
    opt: torch.optim.Optimizer
    epoch: int = 0
    history: list = field(default_factory=list)


def build():
    return nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 1))


def save(state):
    buf = io.BytesIO()
    torch.save({"model": state.model.state_dict(), "epoch": state.epoch}, buf)
    buf.seek(0)
    return buf


def resume(state, buf):
    blob = torch.load(buf)
    state.model = build()
    state.model.load_state_dict(blob["model"])
    state.epoch = blob["epoch"]


def epoch(state, data):
    for x, y in data:
        state.opt.zero_grad()
        loss = nn.functional.mse_loss(state.model(x), y)
        loss.backward()
        state.opt.step()
    state.epoch += 1
    state.history.append(loss.item())


def main():
    torch.manual_seed(0)
    first = build()
    state = State(first, torch.optim.Adam(first.parameters(), lr=1e-2))
    data = [(x, x.sum(1, keepdim=True)) for x in torch.randn(3, 16, 6)]
    buf = save(state)
    resume(state, buf)
    for _ in range(3):
        epoch(state, data)
        print(state.epoch, state.history[-1])


if __name__ == "__main__":
    main()
