"""NaN or Inf in the gradient.

A step with such a gradient makes the parameter NaN, and from then on the whole network. The usual sources:
the square root, logarithm or norm of zero, division by zero, ``0 * inf``, an overflow in half precision.
``torch.where`` after the fact does not help: the branch not taken still gets ``0 * inf = NaN``.

Fix: make the operation safe *before* it runs (clamp or add eps to its input, mask the input instead of the
output).

Source: https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection
"""

from __future__ import annotations

import math
from typing import Any

from tracer.diagnosis.blame import blame_of
from tracer.diagnosis.evidence import arrivals, count, finite, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines
from tracer.diagnosis.saying import found
from tracer.events import BackwardEnded, GradAccumulated, GradMeasured

CODE = "TR304"
NAME = "nan_grad"
REQUIRES = (GradAccumulated, GradMeasured, BackwardEnded)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.seen.kind == "input":
        return None
    grads = arrivals(leaf, facts)
    bad_ones = [grad for grad in grads if not finite(grad)]
    stepped = [w for w in windows(leaf, facts) if w.grad is not None and not finite(w.grad)]
    if not bad_ones and not stepped:
        return None
    blame = blame_of(leaf, facts)
    bad, steps = leaf.count(bad_ones), count(stepped)
    share = f"{bad or steps} of {max(leaf.count(grads), steps)} measured gradients"
    used = f", and {steps} of them went into a step" if stepped else ", and no step used one"
    message = f"NaN or Inf in {share}{used}{blame.because if blame else ''}{_forward(leaf, facts)}"
    fix = (
        blame.fix
        if blame
        else "find the first operation that overflows or divides by zero, for example with detail='full'"
    )
    starts = (facts.backwards[key] for key in leaf.reached[:1])
    lines = blame.where if blame else [line for b in starts for line in line_at(facts, b.place, "backward")]
    return found(
        NAME,
        leaf,
        message,
        fix,
        (*lines, *made_lines(facts, leaf)),
        severity=_severity(leaf, facts, len(stepped)),
    )


def _severity(leaf: LeafFacts, facts: Facts, stepped: int) -> str | None:
    """A batch that was left out, or a scaler's calibration, while good steps followed: info."""
    good = [w for w in windows(leaf, facts) if w.fed and w.grad is not None and finite(w.grad)]
    return "info" if good and not stepped else None


def _forward(leaf: LeafFacts, facts: Facts) -> str:
    roots = [facts.backwards[key].root_value for key in leaf.reached]
    gone = [value for value in roots if value is not None and not math.isfinite(value)]
    return f"; the loss itself was {gone[0]}" if gone else ""


def _train(torch: Any, eps: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x = torch.randn(8, 3)
    for _ in range(3):
        optimizer.zero_grad()
        gap = net(x) - net(x)
        torch.sqrt(gap.pow(2).sum(dim=1) + net(x).pow(2).sum(dim=1) * eps + eps).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, eps=0.0)


def good(torch: Any) -> None:
    _train(torch, eps=0.1)
