"""A loss of two terms, one of them without history: its weight can be anything, it changes nothing.

The penalty is computed under ``no_grad`` "because it is only a penalty". It raises the printed loss and adds a
constant to what ``backward`` sees. Every parameter trains, so no ``.grad`` looks wrong; the model is simply not
regularized at all.

The lesson: a term helps only if it has a ``grad_fn``. Print ``term.requires_grad`` when you add one.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 9
STEPS = 3
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS = {"TR208"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(8, 4, device=device), torch.randn(8, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        fit = (net(x) - y).pow(2).mean()
        with torch.no_grad():
            penalty = sum(p.abs().sum() for p in net.parameters())
        loss = fit + 1e-2 * penalty
        loss.backward()
        optimizer.step()
