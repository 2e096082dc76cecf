"""LBFGS: one step calls forward and backward several times, through a closure.

A line search must evaluate the loss at several points, so ``step`` takes a function that clears, computes and
backpropagates. One step holds many backwards, and every one of them clears first: nothing piles up.

The lesson: count gradients per backward, not per step.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 16
STEPS = 2
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=4)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
