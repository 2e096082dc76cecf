"""A frozen layer that fades all the same: its zeroed gradient is not None, so weight decay goes on.

Before the layer was frozen a trial backward gave it a gradient. ``zero_grad(set_to_none=False)`` fills it with zeros
and leaves it there. AdamW passes over a parameter whose ``.grad`` is None; zeros are a gradient, so at every step it
shrinks the frozen weights by ``lr * weight_decay``.

The lesson: freezing stops new gradients, not the optimizer. Clear to None, or leave frozen parameters out of it.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 9
STEPS = 3
EXPECTED = {
    "body.weight": "decay_only",
    "body.bias": "decay_only",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR405"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            return self.head(torch.tanh(self.body(x)))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    net(x).sum().backward()
    net.body.requires_grad_(False)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=False)
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
