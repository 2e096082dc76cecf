"""The parameter stepped, then was put back or overwritten outside the optimizer.

Old weights are loaded or copied over the trained ones: an EMA copy that is never updated, a checkpoint that
is loaded in the loop, a constant written to ``.data`` in ``forward``. The optimizer works, and its work is
undone. Restoring the best checkpoint once at the end, folds that start afresh, and an EMA swap that is
undone after the evaluation are not reported.

Fix: remove the copy at the line, or copy in the other direction.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from tracer.diagnosis.evidence import handwritten
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import OptimizerStepped, ValueMeasured

CODE = "TR502"
NAME = "overwritten"
REQUIRES = (OptimizerStepped, ValueMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    moved = [step for step in leaf.steps if step.value is not None and step.value.changed]
    if not moved or handwritten(leaf):
        return None
    undone = _undone(leaf)
    if not undone or not _for_good(leaf, len(moved), undone):
        return None
    last = undone[-1]
    lost = len(moved)
    message = (
        f"{times(lost, 'step')} changed it, and {times(len(undone), 'write')} outside the optimizer"
        f"{text_of(facts, last.place)} put an earlier value back"
    )
    fix = f"remove the write{text_of(facts, last.place)}, or copy in the other direction"
    lines = [line for value in undone for line in line_at(facts, value.place, "overwritten")]
    return found(NAME, leaf, message, fix, (*lines, *line_at(facts, moved[-1].place, "step")))


def _undone(leaf: LeafFacts) -> list[ValueMeasured]:
    """Return the writes that undid steps: the last outside change between two steps, when it went back."""
    starts = sorted(step.order for step in leaf.steps)
    found_last: dict[int, ValueMeasured] = {}
    for order, value in leaf.outside:
        if value.changed and order > starts[0]:
            found_last[bisect_left(starts, order)] = value
    return [value for value in found_last.values() if value.reverted]


def _for_good(leaf: LeafFacts, moved: int, undone: list[ValueMeasured]) -> bool:
    """Tell whether the work of the steps was lost, not just reset once.

    Every step (but the last, whose undoing the recording may not see) was undone; or the run ended with
    an undoing that was not the only one, or that led back to the very first value.
    """
    if len(undone) >= moved or (len(undone) > 1 and len(undone) == moved - 1):
        return True
    last_order = max(order for order, value in leaf.outside if value is undone[-1])
    if last_order < leaf.steps[-1].order:
        return False
    return len(undone) > 1 or _at_start_again(leaf, undone[-1]) or _written_before(leaf, undone[-1])


def _written_before(leaf: LeafFacts, value: ValueMeasured) -> bool:
    """Tell whether the same line wrote over the value between earlier steps too: a habit, not one restore."""
    first, last = leaf.steps[0].order, leaf.steps[-1].order
    between = [v for order, v in leaf.outside if first < order < last and v.changed]
    return value.place is not None and any(v.place == value.place for v in between)


def _at_start_again(leaf: LeafFacts, value: ValueMeasured) -> bool:
    first = leaf.steps[0].value
    return first is not None and first.before is not None and first.before == value.after


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
