"""A GradScaler meets an infinite gradient and skips the step: no error, no movement.

float16 gradients underflow, so a scaler multiplies the loss before ``backward`` and divides the gradients before the
step. When it finds Inf or NaN among them it does not call ``optimizer.step`` at all, halves its scale and waits for
better times. Once in a while that is its job. Here one feature of the data is infinite, so *every* step is skipped.

No hook on ``optimizer.step`` fires, because it is never called.

The lesson: watch ``scaler.get_scale()``; one that only falls means that no step was taken.

Source: https://docs.pytorch.org/docs/stable/notes/amp_examples.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Does a step use it?"
PLACE = 5
STEPS = 2
EXPECTED = {
    "weight": "step_skipped",
    "bias": "step_skipped",
}
FINDINGS = {"TR304", "TR404"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net = torch.nn.Linear(4, 1).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler(device.type)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    x[3, 2] = float("inf")
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).abs().clamp(max=1e4).mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
