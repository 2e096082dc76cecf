"""torch.where with a branch that is never taken: its gradient is zero, not None.

``torch.where(condition, a, b)`` computes both sides and picks. Backward sends the gradient to the picked side and
*zeros* to the other: the graph does reach it, so ``.grad`` is a tensor full of zeros. Here the condition holds for no
sample, because the data was normalized to be positive.

A zero gradient is not harmless: with weight decay or momentum an optimizer still moves the parameter, whereas it would
skip one whose ``.grad`` is None.

The lesson: None means "not reached", zeros mean "reached, and worth nothing". They need different repairs.

Source: https://docs.pytorch.org/docs/stable/generated/torch.where.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 2
STEPS = 3
EXPECTED = {
    "negative.weight": "zero_grad",
    "negative.bias": "zero_grad",
    "positive.weight": "updated",
    "positive.bias": "updated",
}
FINDINGS = {"TR301"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.negative = torch.nn.Linear(1, 1)
            self.positive = torch.nn.Linear(1, 1)

        def forward(self, x: Any) -> Any:
            return torch.where(x < 0, self.negative(x), self.positive(x))

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.rand(16, 1, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
