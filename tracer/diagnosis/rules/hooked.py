"""A user's hook replaced or zeroed the gradient.

``tensor.register_hook`` and module backward hooks may return another gradient than they received. A hook
that zeroes it keeps the parameter from training; that is a warning. One that scales or reverses it is
usually meant, and only mentioned.

Fix: correct the hook's condition or mask, or remove the hook (keep its handle and call ``remove()``).

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import trains
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, text_of
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, HookRan

CODE = "TR305"
NAME = "hooked"
REQUIRES = (HookRan, GradAccumulated)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not leaf.hooks:
        return None
    last = leaf.hooks[-1]
    zeroed = [hook for hook in leaf.hooks if hook.after == 0 and hook.before != 0]
    at = text_of(facts, last.place, " (registered at ") + (")" if last.place is not None else "")
    counts = f"{len(zeroed)} of {len(leaf.hooks)} times" if zeroed else f"{len(leaf.hooks)} times"
    what = "zeroed" if zeroed else "changed"
    message = (
        f"a hook{at} {what} its gradient {counts}: norm {number(last.before)} arrived, {number(last.after)} went on"
    )
    fix = f"correct what the hook returns{text_of(facts, last.hook)}, or remove it"
    where = (*line_at(facts, last.place, "hook", "register_hook"), *line_at(facts, last.hook, "hook"))
    # A hook that scales, clips or masks a part while the parameter trains does what it was written for.
    blocked = len(zeroed) == len(leaf.hooks) and not trains(leaf, facts)
    return found(NAME, leaf, message, fix, where, severity=None if blocked else "info")


def _train(torch: Any, factor: float | None) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    if factor is not None:
        net.weight.register_hook(lambda grad: grad * factor)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, factor=0.0)


def good(torch: Any) -> None:
    _train(torch, factor=None)
