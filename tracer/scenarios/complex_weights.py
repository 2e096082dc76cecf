"""Complex parameters: autograd returns the conjugate gradient, so that a plain step goes downhill.

A complex weight is two real numbers. Its gradient is defined by Wirtinger calculus with the sign that makes
``weight - lr * grad`` the direction of steepest descent of a *real* loss. The loss itself must be real: here it is the
squared magnitude of the error.

The lesson: nothing special is needed to train complex parameters, as long as the loss is real.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#autograd-for-complex-numbers
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 12
STEPS = 3
EXPECTED = {
    "filter": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    class Spectrum(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.filter = torch.nn.Parameter(torch.ones(5, dtype=torch.complex64))

        def forward(self, signal: Any) -> Any:
            return torch.fft.irfft(torch.fft.rfft(signal) * self.filter, n=8)

    torch.manual_seed(seed)
    net = Spectrum().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    x, y = torch.randn(16, 8, device=device), torch.randn(16, 8, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
