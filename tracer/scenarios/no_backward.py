"""A loop without backward: the step has nothing to apply, and says nothing.

Forward runs, the loss is printed and even looks plausible. ``optimizer.step()`` finds ``.grad`` None everywhere and
passes over all parameters; it has no way of knowing that they should have had one.

The lesson: ``step`` does not compute anything. Only ``backward`` fills ``.grad``.

Source: https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Can the gradient reach it?"
PLACE = 13
STEPS = 3
EXPECTED = {
    "0.weight": "no_backward",
    "0.bias": "no_backward",
    "2.weight": "no_backward",
    "2.bias": "no_backward",
}
FINDINGS = {"TR204"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        losses.append(loss.item())
        optimizer.step()
