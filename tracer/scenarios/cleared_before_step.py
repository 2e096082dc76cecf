"""zero_grad() between backward and step: the gradient is thrown away before anyone uses it.

The three calls of a training step are all there, in the wrong order. ``backward`` fills ``.grad``, ``zero_grad`` sets
it to None, ``step`` passes over every parameter. The loss stays what it was.

The right orders are zero, backward, step, or backward, step, zero.

The lesson: between ``backward`` and ``step`` nothing may clear the gradients.

Source: https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 2
STEPS = 3
EXPECTED = {
    "0.weight": "cleared",
    "0.bias": "cleared",
    "2.weight": "cleared",
    "2.bias": "cleared",
}
FINDINGS = {"TR402"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
