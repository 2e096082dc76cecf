"""Gradients of earlier steps are still summed in: ``zero_grad`` is missing.

Backward *adds* to ``.grad``. Without clearing after (or before) each step, every step uses the sum of all
gradients since the start: the effective learning rate grows and the direction lags. Gradient accumulation
over micro-batches is not meant by this: there the sum is cleared after the step that used it.

Fix: call ``optimizer.zero_grad()`` once per step, before backward.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import Window, count, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, optimizer_text, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, OptimizerStepped

CODE = "TR306"
NAME = "grad_not_cleared"
REQUIRES = (GradAccumulated, OptimizerStepped)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    # A closure clears inside the step; the recording sees its accumulations there.
    later = [w for w in windows(leaf, facts)[1:] if w.accumulated and not w.step.closure]
    # The last backward before the step counts: what another network's backward left before that, and was
    # cleared, is part of alternating updates.
    stale = [w for w in later if w.accumulated[-1].stale and w.cleared is None and not _replaced(w)]
    # Cleared once per epoch still sums most steps up; a single one may be meant.
    summed, all_later = count(stale), count(later)
    often = summed >= 2 and 2 * summed >= all_later
    if not stale or not (often or summed == all_later):
        return None
    last = stale[-1].step
    name = optimizer_text(facts, last.optimizer)
    norms = [
        w.grad.norm for w in (windows(leaf, facts)[0], stale[-1]) if w.grad is not None and w.grad.norm is not None
    ]
    grew = f"; its norm went from {number(norms[0])} to {number(norms[1])}" if len(norms) == 2 else ""
    message = f"{summed} of {times(all_later, 'later step')} used the gradients of the steps before too{grew}"
    fix = (
        f"call {name.split()[-1].strip('`')}.zero_grad() once per step, before "
        f"backward{text_of(facts, last.place, '; the step is at ')}"
    )
    starts = (facts.backwards.get(w.accumulated[-1].backward) for w in stale[-1:])
    lines = [line for b in starts if b is not None for line in line_at(facts, b.place, "backward")]
    return found(NAME, leaf, message, fix, (*lines, *line_at(facts, last.place, "step")))


def _replaced(window: Window) -> bool:
    """Tell whether ``.grad`` was assigned after the last backward, so that the old sum is gone."""
    return any(touch.how == "assigned" for touch in window.touches)


def _train(torch: Any, clear: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(4):
        if clear:
            optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, clear=False)


def good(torch: Any) -> None:
    _train(torch, clear=True)
