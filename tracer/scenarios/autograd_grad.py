"""autograd.grad computes gradients and returns them; ``.grad`` stays None, and the optimizer finds nothing.

``loss.backward()`` *accumulates* into ``.grad`` of the leaves. ``torch.autograd.grad`` returns the same numbers as a
tuple and touches no leaf. Someone who replaced the one by the other and kept ``optimizer.step()`` trains nothing; the
returned gradients lie in a variable that nobody reads.

The lesson: "computed" and "accumulated" are two things. Optimizers look at ``.grad`` only.

Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 1
STEPS = 3
EXPECTED = {
    "0.weight": "no_backward",
    "0.bias": "no_backward",
    "2.weight": "no_backward",
    "2.bias": "no_backward",
}
FINDINGS = {"TR204"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (net(x) - y).pow(2).mean()
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        assert len(gradients) == 4
        optimizer.step()
