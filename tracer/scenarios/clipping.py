"""clip_grad_norm_ between backward and step: all gradients shrink by one factor.

When the norm over *all* parameters is above the limit, every gradient is multiplied by ``limit / norm``. Directions and
proportions stay; only the length changes. The function returns the norm before clipping, which is the number to log.

Under AMP unscale first, or the limit is compared with gradients that are 65,536 times too large.

The lesson: clipping limits a step, it does not repair a gradient.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Patterns that are meant to be so"
PLACE = 11
STEPS = 3
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
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), 20 * torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
        optimizer.step()
