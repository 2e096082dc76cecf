"""Can rounding explain that a step left a value as it was: the size of the update against the dtype's resolution."""

from __future__ import annotations

import math

from tracer.diagnosis.evidence import Window, finite, windows
from tracer.diagnosis.facts import Facts, LeafFacts

#: Distance from 1 to the next number; a dtype that is not listed counts as coarse.
_EPSILON = {"float64": 2.2e-16, "float32": 1.2e-7, "float16": 9.8e-4, "bfloat16": 7.8e-3}
#: An update this many times larger than the resolution cannot get lost.
_SURE = 100.0


def still_windows(leaf: LeafFacts, facts: Facts) -> tuple[Window, ...]:
    """Return the steps that saw a finite gradient at a learning rate other than 0, if none of them moved the value.

    Empty when one did, or when a value was not compared.
    """
    fed = tuple(w for w in windows(leaf, facts) if w.fed and w.step.lr != 0)
    compared = all(w.step.value is not None and not w.step.value.changed for w in fed)
    return fed if compared and all(w.grad and finite(w.grad) for w in fed) else ()


def above_resolution(window: Window, leaf: LeafFacts) -> bool:
    """Tell whether the update was far too large to be rounded away.

    Taken as learning rate times gradient (SGD) or the learning rate alone (Adam's updates have about that size),
    whichever is smaller, against the value's own size.
    """
    value, grad, lr = window.step.value, window.grad, window.step.lr
    if value is None or value.value_norm is None or grad is None or not grad.norm or not lr:
        return False
    root = math.sqrt(max(1, math.prod(leaf.seen.shape)))
    update = abs(lr) * min(grad.norm / root, 1.0)
    return update > _SURE * _EPSILON.get(leaf.seen.dtype, 1.0) * value.value_norm / root
