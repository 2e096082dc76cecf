"""In a long run most steps of a leaf are alike: of three in a row the middle one is counted, not kept.

What is kept is the first of them, which stands for those after it, and the last. So the facts about a leaf grow with
what happens to it, and not with the number of steps. Counts stay exact; of the numbers of the steps in between
(norms, learning rates) nothing is left.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import Any

from tracer.diagnosis.facts import Facts, LeafFacts, StepFacts
from tracer.events import GradMeasured, ValueMeasured

#: So many first steps of a leaf are all kept: in a short run nothing is folded.
KEPT = 100
#: Backwards whose nodes were measured: at most so many keep the numbers, and always so many of the first and last.
MEASURED, ENDS = 256, 64


def fold(leaf: LeafFacts, facts: Facts, opened: list[StepFacts]) -> None:
    """Fold the last but one step of a leaf into the one before, when they and the last are alike.

    Called before a further step is added, when the last is complete.

    Args:
        opened: the steps of this leaf by the optimizer of its last step, in which measurements find theirs.
    """
    steps = leaf.steps
    if len(steps) <= KEPT + 3:
        return
    since, first, middle, last = steps[-4:]
    last.kind = _kind(leaf, facts, middle.order, last)
    if first.kind is None or not first.kind == middle.kind == last.kind or _apart(leaf, facts, since.order):
        return
    between = _between(leaf.accumulated_at, first.order, middle.order)
    del leaf.accumulated[between], leaf.accumulated_at[between]
    between = _between(leaf.grads_at, first.order, middle.order)
    del leaf.grads[between], leaf.grads_at[between]
    del leaf.touches[_touched(leaf, first.order, middle.order)]
    first.times += middle.times
    for grad in (first.grad, *_grads(leaf, since.order, first.order)):
        if grad is not None:
            leaf.folded[id(grad)] = first.times
    del steps[-2], opened[-2]


def _apart(leaf: LeafFacts, facts: Facts, since: int) -> bool:
    """Tell whether something of another kind happened since: then each step is kept."""
    moments = (facts.gaps[-1:], leaf.toggled_at[-1:], [order for order, _ in leaf.outside[-1:]])
    return bool(leaf.hooks) or any(at and at[0] > since for at in moments)


def _kind(leaf: LeafFacts, facts: Facts, since: int, step: StepFacts) -> tuple[Any, ...] | None:
    """Return what a rule may ask of a step and of what led to it, but for sizes; None for one that stays."""
    into = leaf.accumulated[_between(leaf.accumulated_at, since, step.order)]
    roots = [facts.backwards[event.backward].root_value for event in into if event.backward in facts.backwards]
    if step.closure or not all(root is None or math.isfinite(root) for root in roots):
        return None  # what it used was accumulated inside it, or its loss is to be told of
    touches = leaf.touches[_touched(leaf, since, step.order)]
    return (
        step.optimizer, step.place, step.group, step.lr == 0, step.weight_decay, step.momentum,
        tuple(event.stale for event in into), tuple(root == 0.0 for root in roots),
        tuple((touch.how, touch.place, touch.function) for _, touch in touches),
        tuple(map(_gradient, _grads(leaf, since, step.order))), _gradient(step.grad), _value(step.value),
    )  # fmt: skip


def _grads(leaf: LeafFacts, since: int, until: int) -> list[GradMeasured]:
    return leaf.grads[_between(leaf.grads_at, since, until)]


def _between(at: list[int], since: int, until: int) -> slice:
    return slice(bisect_right(at, since), bisect_left(at, until))


def _touched(leaf: LeafFacts, since: int, until: int) -> slice:
    return slice(bisect_right(leaf.touches, since, key=_order), bisect_left(leaf.touches, until, key=_order))


def _gradient(grad: GradMeasured | None) -> tuple[bool, ...] | None:
    if grad is None:
        return None
    return grad.norm is None, grad.norm == 0, grad.zero_share in (None, 1.0), grad.finite is False


def _value(value: ValueMeasured | None) -> tuple[bool, ...] | None:
    return None if value is None else (value.changed, value.sampled, value.grad_based)


def _order(pair: tuple[int, Any]) -> int:
    return pair[0]


def thin(facts: Facts, measured: list[int]) -> list[int]:
    """Of many backwards whose nodes were measured, let some keep no numbers; return those that do."""
    if len(measured) <= MEASURED:
        return measured
    kept = [*measured[:ENDS], *measured[ENDS:-ENDS:2], *measured[-ENDS:]]
    for key in set(measured).difference(kept):
        facts.ended[key] = replace(facts.ended[key], norms=(), order=())
    return kept
