"""A layer that requires grad and that an optimizer holds: the only one of the three that trains.

``backward`` computes the gradient of ``d_Linear`` because it requires grad, and ``step`` subtracts
``lr * grad`` from it because the optimizer holds it: weight [[7, 8]] - 0.1 * [[176, 237]] = [[-10.6, -15.7]].

The gradients of ``a_Linear`` and ``b_Linear`` are the same as in the other two scenarios: they were computed
before any value moved, and depend on what ``d_Linear`` *is*, not on whether it trains.

The lesson: a parameter trains only if both hold, ``requires_grad`` and a place in an optimizer that steps.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 3
STEPS = 1
EXPECTED = {
    "a_Linear.weight": "updated",
    "a_Linear.bias": "updated",
    "b_Linear.weight": "not_in_optimizer",
    "b_Linear.bias": "not_in_optimizer",
    "c_Linear.weight": "frozen",
    "c_Linear.bias": "frozen",
    "d_Linear.weight": "updated",
    "d_Linear.bias": "updated",
}
FINDINGS = {"TR101"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from tracer.scenarios.four_layers import build, train

    net = build(torch, device, d_requires_grad=True)
    train(torch, device, net, steps, d_registered=True)
