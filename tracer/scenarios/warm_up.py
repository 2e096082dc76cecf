"""Warm-up from a learning rate of 0: the first step moves nothing, the others do.

``LambdaLR`` sets the rate to 0 before the first step. Judged by that step alone every parameter looks stuck, as in
``lr_zero``; over the run the rate grows and they train.

The lesson: ask what the learning rate was at *each* step, not at one.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 12
STEPS = 4
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
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 3))
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        schedule.step()
