"""Activations overwritten before they are used: the graph reaches the encoder, the gradient is zero.

A padding mask was meant to blank the padded positions; its slice is one comma off and blanks everything. What the
encoder computed is gone, so the loss does not depend on it. The history is intact all the same: backward sends zeros.

The lesson: a path in the graph says that a gradient *can* come, not that the value still matters.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 3
STEPS = 3
EXPECTED = {
    "encoder.weight": "zero_grad",
    "encoder.bias": "zero_grad",
    "head.weight": "zero_grad",
    "head.bias": "updated",
}
FINDINGS = {"TR301"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Net(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)

        def forward(self, x: Any) -> Any:
            hidden = torch.tanh(self.encoder(x))
            hidden = hidden.clone()
            hidden[:, :] = 0.0
            return self.head(hidden)

    torch.manual_seed(seed)
    net = Net().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
