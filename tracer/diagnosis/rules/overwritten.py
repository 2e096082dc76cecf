"""The parameter stepped, then was put back or overwritten outside the optimizer.

Old weights are loaded or copied over the trained ones: an EMA copy that is never updated, a checkpoint that
is loaded in the loop, a constant written to ``.data`` in ``forward``. The optimizer works, and its work is
undone: none of it is left in the end, or no more than the last step's. Restoring the best checkpoint, folds
that start afresh, an EMA swap that is undone after the evaluation, and adapting to a task with an optimizer of
its own before going back are not reported.

Fix: remove the copy at the line, or copy in the other direction.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from typing import Any

from tracer.diagnosis.evidence import count, handwritten
from tracer.diagnosis.facts import Facts, LeafFacts, StepFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import OptimizerStepped, ValueMeasured

CODE = "TR502"
NAME = "overwritten"
REQUIRES = (OptimizerStepped, ValueMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    moved = [step for step in _followed(leaf, facts) if step.value is not None and step.value.changed]
    if not moved or handwritten(leaf):
        return None
    undone = _undone(leaf)
    if facts.gaps and len(undone) < 2:
        return None  # once may be a trial before the training, and what came later was not looked at
    lost = min(count(moved), sum(steps for _, steps in undone))
    if not _for_good(leaf, moved, len(undone), lost):
        return None
    last = undone[-1][0]
    message = (
        f"{times(count(moved), 'step')} changed it, and {times(len(undone), 'write')} outside the optimizer"
        f"{text_of(facts, last.place)} took the work of {lost} of them away again"
    )
    fix = f"remove the write{text_of(facts, last.place)}, or copy in the other direction"
    lines = [line for value, _ in undone for line in line_at(facts, value.place, "overwritten")]
    return found(NAME, leaf, message, fix, (*lines, *line_at(facts, moved[-1].place, "step")))


def _followed(leaf: LeafFacts, facts: Facts) -> list[StepFacts]:
    """Return the steps whose work can be followed: what comes after the last before a gap was not looked at."""
    if not facts.gaps:
        return leaf.steps
    steps = sorted(leaf.steps, key=lambda step: step.order)
    stretch = [bisect_left(facts.gaps, step.order) for step in steps]
    return [step for i, step in enumerate(steps) if [stretch[i]] == (stretch[i + 1 : i + 2] or [len(facts.gaps)])]


def _undone(leaf: LeafFacts) -> list[tuple[ValueMeasured, int]]:
    """Return the writes that undid steps, each with how many, one per pause between two steps.

    Weights swapped for an evaluation and back within a pause undo nothing.
    """
    starts = sorted(step.order for step in leaf.steps)
    pauses: dict[int, list[ValueMeasured]] = defaultdict(list)
    for order, value in leaf.outside:
        if value.changed and order > starts[0]:
            pauses[bisect_left(starts, order)].append(value)
    found_ones = []
    for writes in pauses.values():
        net = sum(_steps_undone(value) for value in writes)
        if net > 0:
            found_ones.append((next(value for value in reversed(writes) if value.reverted), net))
    return found_ones


def _steps_undone(value: ValueMeasured) -> int:
    return value.undone or int(value.reverted)


def _for_good(leaf: LeafFacts, moved: list[StepFacts], writes: int, lost: int) -> bool:
    """Tell whether the work of the steps was lost as a habit: all of it, or all but the last step's.

    What the last step did may be overwritten after the recording ends. An optimizer that is built anew for
    each stretch that is undone (adapting to one task, measuring, going back) shows that this is meant.
    """
    kept = count(moved) - lost
    anew = len({step.optimizer for step in leaf.steps}) > 1 and writes > 1
    return lost > 0 and not anew and (kept == 0 or (kept == 1 and writes > 1))


def _train(torch: Any, restore: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()
        if restore:
            net.load_state_dict(kept)


def bad(torch: Any) -> None:
    _train(torch, restore=True)


def good(torch: Any) -> None:
    _train(torch, restore=False)
