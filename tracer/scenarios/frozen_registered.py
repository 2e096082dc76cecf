"""A layer that an optimizer holds, but that does not require grad: no gradient, no movement.

``d_Linear.requires_grad_(False)`` tells autograd to compute no gradient for its weight and bias. ``.grad`` stays
None, and ``step`` passes over a parameter whose ``.grad`` is None, although the optimizer holds it.

Look at ``a_Linear`` and ``b_Linear``, which lie before ``d_Linear``: their gradients are exactly those of the
other two scenarios. Freezing a layer stops the gradient *of its parameters*; the gradient of its *input* is still
computed with its weight and flows on. This is why a frozen backbone can sit above a trained prompt.

The lesson: being registered with an optimizer does not make a parameter trainable.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 2
STEPS = 1
EXPECTED = {
    "a_Linear.weight": "updated",
    "a_Linear.bias": "updated",
    "b_Linear.weight": "not_in_optimizer",
    "b_Linear.bias": "not_in_optimizer",
    "c_Linear.weight": "frozen",
    "c_Linear.bias": "frozen",
    "d_Linear.weight": "frozen_in_optimizer",
    "d_Linear.bias": "frozen_in_optimizer",
}
FINDINGS = {"TR101", "TR106"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from tracer.scenarios.four_layers import build, train

    net = build(torch, device, d_requires_grad=False)
    train(torch, device, net, steps, d_registered=True)
