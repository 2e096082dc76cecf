"""Thirty sigmoid layers: each multiplies the gradient by at most a quarter, and little is left at the bottom.

The derivative of the sigmoid is at most 0.25. A gradient that passes thirty of them, and weights of ordinary size
between them, shrinks by ten orders of magnitude and more. The first layers do move, by amounts that no loss will ever
notice.

The cures became the standard parts of deep networks: ReLU and its kin, residual connections, normalization, careful
initialization.

The lesson: that a gradient arrives says nothing yet; compare its size along the depth.

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
STEPS = 2
EXPECTED: dict[str, str] = {}
FINDINGS = {"TR302"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    nn = torch.nn
    layers = [part for _ in range(30) for part in (nn.Linear(8, 8), nn.Sigmoid())]
    net = nn.Sequential(*layers, nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 8, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
