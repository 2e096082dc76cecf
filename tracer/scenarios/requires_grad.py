"""The first three scenarios side by side: requires_grad, a place in the optimizer, and both.

The three runs share network, numbers, input and learning rate. They differ in ``d_Linear`` only: whether it
requires grad, and whether the optimizer holds it.

==========================  =============  ================  ==============  =============
scenario                    requires_grad  in the optimizer  gets a grad     moves
==========================  =============  ================  ==============  =============
``trainable_unregistered``  yes            no                yes             no
``frozen_registered``       no             yes               no              no
``trainable_registered``    yes            yes               yes             yes
==========================  =============  ================  ==============  =============

Every other cell is the same in all three. Above all the gradients of ``a_Linear``: freezing ``d_Linear`` does not
stop the gradient that flows through it.

The lesson: a parameter trains only if both hold.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
"""

from __future__ import annotations

from typing import Any

CHAPTER = "What makes a parameter train"
PLACE = 4
STEPS = 1
#: The scenarios that are run one by one, each with its own trace, and compared.
SIDE_BY_SIDE = ("trainable_unregistered", "frozen_registered", "trainable_registered")
EXPECTED = {
    "only_trainable.a_Linear.weight": "updated",
    "only_trainable.a_Linear.bias": "updated",
    "only_trainable.b_Linear.weight": "not_in_optimizer",
    "only_trainable.b_Linear.bias": "not_in_optimizer",
    "only_trainable.c_Linear.weight": "frozen",
    "only_trainable.c_Linear.bias": "frozen",
    "only_trainable.d_Linear.weight": "not_in_optimizer",
    "only_trainable.d_Linear.bias": "not_in_optimizer",
    "only_registered.a_Linear.weight": "updated",
    "only_registered.a_Linear.bias": "updated",
    "only_registered.b_Linear.weight": "not_in_optimizer",
    "only_registered.b_Linear.bias": "not_in_optimizer",
    "only_registered.c_Linear.weight": "frozen",
    "only_registered.c_Linear.bias": "frozen",
    "only_registered.d_Linear.weight": "frozen_in_optimizer",
    "only_registered.d_Linear.bias": "frozen_in_optimizer",
    "both.a_Linear.weight": "updated",
    "both.a_Linear.bias": "updated",
    "both.b_Linear.weight": "not_in_optimizer",
    "both.b_Linear.bias": "not_in_optimizer",
    "both.c_Linear.weight": "frozen",
    "both.c_Linear.bias": "frozen",
    "both.d_Linear.weight": "updated",
    "both.d_Linear.bias": "updated",
}
FINDINGS = {"TR101", "TR106"}


def run(torch: Any, device: Any, steps: int = STEPS, seed: int = 0) -> None:
    from tracer.scenarios.four_layers import build, train

    only_trainable = build(torch, device, d_requires_grad=True)
    only_registered = build(torch, device, d_requires_grad=False)
    both = build(torch, device, d_requires_grad=True)
    train(torch, device, only_trainable, steps, d_registered=False)
    train(torch, device, only_registered, steps, d_registered=True)
    train(torch, device, both, steps, d_registered=True)
