"""Training without an optimizer: gradients by autograd.grad, the update by hand.

Under ``no_grad`` the weights move against their gradients; that is all that plain SGD does. ``no_grad`` matters: an
in-place change of a leaf that requires grad is refused otherwise, because it would have to become part of the history.

The lesson: an optimizer is a convenience. What trains a parameter is that its value moves along its gradient.

Source: https://docs.pytorch.org/tutorials/beginner/pytorch_with_examples.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "Other ways to run autograd"
PLACE = 2
STEPS = 3
EXPECTED = {
    "0.weight": "updated",
    "0.bias": "updated",
    "2.weight": "updated",
    "2.bias": "updated",
}
FINDINGS: set[str] = set()


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    nn = torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(device)
    x, y = torch.randn(16, 4, device=device), torch.randn(16, 1, device=device)
    for _ in range(steps):
        loss = (net(x) - y).pow(2).mean()
        gradients = torch.autograd.grad(loss, list(net.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient
