"""A layer that requires grad, but that no optimizer holds: it gets a gradient and never moves.

``d_Linear`` requires grad, so ``backward`` computes its gradient and adds it to ``d_Linear.weight.grad``. The
optimizer was built from ``a_Linear`` alone. Its ``step`` walks over the tensors it was given, and nothing else:
``d_Linear`` keeps its value, however often the loop runs. ``b_Linear`` shares its fate.

Watch ``.grad`` over a longer run: ``optimizer.zero_grad()`` clears the tensors of the optimizer only, so the
gradients of ``b_Linear`` and ``d_Linear`` pile up, step after step, unused.

The lesson: ``requires_grad`` asks autograd for a gradient. It does not ask anyone to use it.

Source: https://docs.pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 1
STEPS = 1
EXPECTED = {
    "a_Linear.weight": "updated",
    "a_Linear.bias": "updated",
    "b_Linear.weight": "not_in_optimizer",
    "b_Linear.bias": "not_in_optimizer",
    "c_Linear.weight": "frozen",
    "c_Linear.bias": "frozen",
    "d_Linear.weight": "not_in_optimizer",
    "d_Linear.bias": "not_in_optimizer",
}
FINDINGS = {"TR101"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from tracer.scenarios.four_layers import build, train

    net = build(torch, device, d_requires_grad=True)
    train(torch, device, net, steps, d_registered=False)
