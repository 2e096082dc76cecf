"""Sixteen sigmoid layers: each multiplies the gradient by at most a quarter, and little is left at the bottom.

The derivative of the sigmoid is at most 0.25. A gradient that passes sixteen of them, and weights of ordinary size
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
PLACE = 5
STEPS = 2
EXPECTED = {
    "0.weight": "vanishing",
    "0.bias": "vanishing",
    "2.weight": "vanishing",
    "2.bias": "vanishing",
    "4.weight": "vanishing",
    "4.bias": "vanishing",
    "6.weight": "vanishing",
    "6.bias": "vanishing",
    "8.weight": "vanishing",
    "8.bias": "vanishing",
    "10.weight": "vanishing",
    "10.bias": "vanishing",
    "12.weight": "vanishing",
    "12.bias": "vanishing",
    "14.weight": "vanishing",
    "14.bias": "vanishing",
    "16.weight": "vanishing",
    "16.bias": "vanishing",
    "18.weight": "vanishing",
    "18.bias": "vanishing",
    "20.weight": "vanishing",
    "20.bias": "vanishing",
    "22.weight": "updated",
    "22.bias": "updated",
    "24.weight": "updated",
    "24.bias": "updated",
    "26.weight": "updated",
    "26.bias": "updated",
    "28.weight": "updated",
    "28.bias": "updated",
    "30.weight": "updated",
    "30.bias": "updated",
    "32.weight": "updated",
    "32.bias": "updated",
}
FINDINGS = {"TR302"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    nn = torch.nn
    layers = [part for _ in range(16) for part in (nn.Linear(8, 8), nn.Sigmoid())]
    net = nn.Sequential(*layers, nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 8, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
