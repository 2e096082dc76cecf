"""A bfloat16 weight near 1 and a small learning rate: the update is applied and rounded away.

bfloat16 keeps 8 significant bits. The next number after 1 is 1.0078, so an update of 0.0001 is far below half of that
gap, and ``1 - 0.0001`` is rounded back to 1. The gradient is right, the step runs, the value stays: for ever, since
nothing carries over from step to step.

Cures: keep a float32 copy of the weights (which is what autocast does), or round stochastically.

The lesson: train in low precision, but *store* what you train in float32.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 6
STEPS = 3
EXPECTED = {
    "scale": "underflow",
}
FINDINGS = {"TR501"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Scale(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(6, dtype=torch.bfloat16))

        def forward(self, x: Any) -> Any:
            return x * self.scale

    torch.manual_seed(seed)
    net = Scale().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4)
    x = torch.randn(8, 6, device=device).to(torch.bfloat16)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - 2 * x).pow(2).mean()
        loss.backward()
        optimizer.step()
