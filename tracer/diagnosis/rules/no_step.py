"""An optimizer owns the parameter and a gradient accumulated, but the optimizer never stepped.

With several optimizers it is easy to forget ``step()`` for one, or to call it under a condition that never
holds. The gradient is computed and thrown away. The same is said, as probable, of an optimizer that stepped and
left this parameter out, when rounding cannot explain that its value stayed; and of a step written by hand whose
result is bound to another name (``p = p - lr * p.grad``), so that the parameter itself never moves.

Fix: call ``step()`` of this optimizer after its backward; by hand, write in place under ``no_grad``.

Source: https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import Window, arrived, count, handwritten, moves_outside, trained_unseen
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, optimizer_lines, optimizer_text, text_of, times
from tracer.diagnosis.rounding import above_resolution, still_windows
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, GroupsSeen

CODE = "TR401"
NAME = "no_step"
REQUIRES = (GradAccumulated, GroupsSeen)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.skipped or not arrived(leaf, facts) or handwritten(leaf) or moves_outside(leaf):
        return None
    if not leaf.owners:
        return _not_written_back(leaf, facts)
    passed_over = [w for w in still_windows(leaf, facts) if above_resolution(w, leaf)]
    if passed_over and not trained_unseen(leaf, facts):
        return _passed_over(leaf, facts, passed_over)
    first = min(leaf.accumulated_at, default=-1)
    # The backward of ``step(closure)`` runs inside the step, which uses what it leaves.
    if any(step.closure or step.order > first for step in leaf.steps):
        return None
    if any(facts.unseen.get(optimizer) for optimizer, _ in leaf.owners):
        return None  # it stepped among the steps that were only counted
    if (facts.errors or not facts.header.finished) and len(leaf.accumulated) <= 1:
        return None  # the program was killed, or ended with an exception, before it came to its first step
    owners = list(dict.fromkeys(optimizer for optimizer, _ in leaf.owners))
    names = " and ".join(optimizer_text(facts, key) for key in owners)
    norm = leaf.grads[-1].norm if leaf.grads else None
    size = "" if norm is None else f" (last norm {number(norm)})"
    after = "after its gradient arrived" if leaf.steps else "in the whole recording"
    message = (
        f"{names} owns it and a gradient accumulated in "
        f"{times(leaf.accumulations, 'backward')}{size}, but "
        f"{names} never stepped {after}"
    )
    starts = (facts.backwards.get(event.backward) for event in leaf.accumulated[-1:])
    lines = (line for b in starts if b is not None for line in line_at(facts, b.place, "backward"))
    fix = f"call step() of {names} after this backward"
    return found(NAME, leaf, message, fix, (*lines, *optimizer_lines(facts, owners)))


def _passed_over(leaf: LeafFacts, facts: Facts, seen: list[Window]) -> Finding:
    last = seen[-1]
    name = optimizer_text(facts, last.step.optimizer)
    norm = number(last.grad.norm if last.grad else None)
    message = (
        f"{name} stepped {times(count(seen), 'time')} while it had a gradient (last norm {norm}), and its value stayed "
        f"the same; an update of lr {number(last.step.lr)} would be far above the resolution of {leaf.seen.dtype}, so "
        "the optimizer passed it over"
    )
    fix = f"look at what {name} leaves out in step(): a condition on shape, name or group"
    lines = (*line_at(facts, last.step.place, "step"), *optimizer_lines(facts, [last.step.optimizer]))
    return found(NAME, leaf, message, fix, lines, certain=False)


def _not_written_back(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """A step by hand makes a new tensor: the leaf that gets the gradients stays what it was."""
    # One backward, and another tensor takes over: weights that are handed on from step to step.
    if not leaf.updates or leaf.ever_owned or leaf.lost or leaf.replaced or len(leaf.accumulated) < 2:
        return None
    place = leaf.updates[-1].place
    message = (
        f"a gradient accumulated in {times(len(leaf.accumulated), 'backward')}, and the step computed from it"
        f"{text_of(facts, place)} was not written back: the result is a new tensor, the parameter never changed"
    )
    fix = f"write in place under torch.no_grad(){text_of(facts, place)}, as in p.sub_(lr * p.grad), or use an optimizer"
    lines = (line for update in leaf.updates for line in line_at(facts, update.place, "step"))
    return found(NAME, leaf, message, fix, lines)


def _train(torch: Any, both: bool) -> None:
    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    first = torch.optim.SGD(body.parameters(), lr=0.1)
    second = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(3):
        first.zero_grad()
        second.zero_grad()
        head(torch.tanh(body(torch.randn(8, 3)))).pow(2).mean().backward()
        first.step()
        if both:
            second.step()


def bad(torch: Any) -> None:
    _train(torch, both=False)


def good(torch: Any) -> None:
    _train(torch, both=True)
