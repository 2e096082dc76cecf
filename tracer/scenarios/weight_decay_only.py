"""A cut-off layer that moves all the same, because weight decay shrinks it at every step.

The features are multiplied by a gate that happens to be zero. The gradient of the encoder is exactly zero, and plain
SGD would leave it alone. AdamW subtracts ``lr * weight_decay * value`` from every parameter whose ``.grad`` is not
None, whatever the gradient says. So the encoder *changes*: it fades towards zero and learns nothing.

A check "did the value change?" calls this healthy. A check "did it change because of its gradient?" does not.

The lesson: movement is no proof of learning.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 8
STEPS = 2
EXPECTED = {
    "encoder.weight": "zero_grad",
    "encoder.bias": "zero_grad",
    "head.weight": "updated",
    "head.bias": "updated",
}
FINDINGS = {"TR301", "TR405"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Gated(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 8)
            self.head = torch.nn.Linear(8, 1)
            self.register_buffer("gate", torch.zeros(8))

        def forward(self, x: Any) -> Any:
            return self.head(x.repeat(1, 2) + self.gate * self.encoder(x))

    torch.manual_seed(seed)
    net = Gated().to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
