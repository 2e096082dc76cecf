"""A non-zero update was applied, and the value did not change in its dtype.

A sum is rounded to the nearest number of the dtype. bfloat16 has 8 bits of mantissa: next to 1.0 the
smallest step is 0.0078 upwards and 0.0039 downwards, so an update of 0.001 is rounded away entirely, in
every step. Norm weights that start at 1.0 are the first to stand still.

Fix: keep the parameters in float32 and use autocast for the computation, or an optimizer with a float32
master copy or stochastic rounding.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import Window, count, finite, trained_unseen, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, optimizer_lines, optimizer_text, times
from tracer.diagnosis.rounding import above_resolution
from tracer.diagnosis.saying import found
from tracer.events import GradMeasured, OptimizerStepped, ValueMeasured

CODE = "TR501"
NAME = "underflow"
REQUIRES = (OptimizerStepped, GradMeasured, ValueMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    fed = [w for w in windows(leaf, facts) if w.fed and w.step.lr != 0]
    if not fed or trained_unseen(leaf, facts):
        return None
    if any(w.step.value is None for w in fed):
        if facts.header.values_compared:
            return None  # nothing of it lies on this rank, or its values cannot be read: the verdict says so
        return NotApplicable("values were not compared around steps, so rounding and overwriting were not judged")
    if any(w.step.value.changed for w in fed if w.step.value) or not all(w.grad and finite(w.grad) for w in fed):
        return None
    if leaf.seen.dtype not in ("bfloat16", "float16") and _negligible(fed[-1], facts):
        return None
    if any(above_resolution(w, leaf) for w in fed):
        return None  # rounding does not explain it: the optimizer passed it over (TR401)
    last = fed[-1]
    name = optimizer_text(facts, last.step.optimizer)
    norm = last.grad.norm if last.grad else None
    sampled = any(w.step.value.sampled for w in fed if w.step.value)
    message = (
        f"{name} stepped {times(count(fed), 'time')} with a gradient (last norm {number(norm)}) and lr "
        f"{number(last.step.lr)}, and the {leaf.seen.dtype} value is the same to the last bit"
    )
    fix = "keep the parameter in float32 (autocast for the computation), or use a float32 master copy"
    if leaf.seen.dtype not in ("bfloat16", "float16"):
        fix = f"a larger learning rate, or a wider dtype than {leaf.seen.dtype}: the update is below its resolution"
    where = (*optimizer_lines(facts, [last.step.optimizer]), *line_at(facts, last.step.place, "step"))
    return found(NAME, leaf, message, fix, where, certain=not sampled)


#: A gradient this much smaller than the largest of the same run is noise around zero (a bias before a
#: normalization that takes it out again), and nothing is lost by its rounding.
_NOISE = 1e-6


def _negligible(window: Window, facts: Facts) -> bool:
    norm = window.grad.norm if window.grad else None
    return norm is not None and norm < _NOISE * facts.once("largest used", _largest)


def _largest(facts: Facts) -> float:
    last = (step for leaf in facts.leaves.values() for step in leaf.steps[-1:])
    return max((step.grad.norm for step in last if step.grad and step.grad.norm), default=0.0)


def _train(torch: Any, dtype: Any) -> None:
    torch.manual_seed(0)
    scale = torch.nn.Parameter(torch.ones(4, dtype=dtype))
    optimizer = torch.optim.SGD([scale], lr=1e-4)
    for _ in range(3):
        optimizer.zero_grad()
        (scale * torch.randn(4, dtype=dtype)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, torch.bfloat16)


def good(torch: Any) -> None:
    _train(torch, torch.float32)
