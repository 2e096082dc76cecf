"""The square root of zero: a finite loss whose gradient is NaN.

The derivative of ``sqrt`` at 0 is infinite. The chain rule multiplies it by the derivative of the square below,
which is 0 there, and infinity times zero is NaN. The loss is a perfectly good number; one step later every parameter
that the gradient passed is NaN, and stays so.

Here the zero comes from a pair of equal inputs: their distance is 0. ``torch.sqrt(d + 1e-12)`` or
``torch.linalg.vector_norm``, which defines the gradient at 0 as 0, cure it. ``torch.where`` around the root does not:
it picks the value, but the NaN of the other branch still flows back as NaN * 0.

The lesson: look for the first op that turned a good gradient into NaN, not for the parameter that shows it.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#gradients-for-non-differentiable-functions
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What is the gradient worth?"
PLACE = 7
STEPS = 1
EXPECTED = {
    "encoder.weight": "nan_grad",
    "encoder.bias": "nan_grad",
}
FINDINGS = {"TR304"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Siamese(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = torch.nn.Linear(4, 3)

        def forward(self, left: Any, right: Any) -> Any:
            difference = self.encoder(left) - self.encoder(right)
            return difference.pow(2).sum(dim=1).sqrt()

    torch.manual_seed(seed)
    net = Siamese().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    left = torch.randn(8, 4, device=device)
    right = torch.randn(8, 4, device=device)
    right[0] = left[0]
    for _ in range(steps):
        optimizer.zero_grad()
        loss = net(left, right).mean()
        loss.backward()
        optimizer.step()
