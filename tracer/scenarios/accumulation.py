"""Gradient accumulation: four small batches add up in ``.grad`` before one step uses them.

``backward`` *adds* to ``.grad``; that it does is what makes a large batch possible on a small device. Each loss is
divided by four, so the sum is the mean over the large batch. ``zero_grad`` comes once per step, not once per backward.

The lesson: what is a bug in ``gradients_pile_up`` is a tool here. The difference is where ``zero_grad`` stands.

Source: https://docs.pytorch.org/docs/stable/notes/amp_examples.html#gradient-accumulation
"""

from __future__ import annotations

from typing import Any

CHAPTER = "How gradients add up"
PLACE = 6
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
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        for _ in range(4):
            x, y = torch.randn(4, 4, device=device), torch.randn(4, 1, device=device)
            loss = (net(x) - y).pow(2).mean() / 4
            loss.backward()
        optimizer.step()
