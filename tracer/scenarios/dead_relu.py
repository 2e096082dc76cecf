"""A ReLU whose inputs are all negative: gradients arrive, and every one of them is exactly zero.

The bias of the first layer was pushed far below zero, by a wild step or a bad initialization. ``relu`` gives 0 for
every sample, and its derivative there is 0. The layer below gets a gradient, so ``.grad`` is not None; it is a
tensor of zeros. The unit cannot recover, because only a gradient could lift the bias again.

The layer above gets zeros for its *weight*, whose gradient is its input, and a real gradient for its bias.

The lesson: "has a gradient" and "has a gradient that is not zero" are two questions.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 1
STEPS = 2
EXPECTED = {
    "0.weight": "zero_grad",
    "0.bias": "zero_grad",
    "2.weight": "zero_grad",
    "2.bias": "updated",
}
FINDINGS = {"TR301"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    torch.nn.init.constant_(net[0].bias, -100.0)
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device) + 1.0
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
