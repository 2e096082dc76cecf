"""The gradient was reset between backward and step.

``zero_grad()`` after ``backward()`` and before ``step()`` throws the gradient away: the step sees None (and
skips the parameter) or zeros (and lets momentum and decay move it).

Fix: the order is ``zero_grad()``, ``backward()``, ``step()``.

Source: https://docs.pytorch.org/docs/stable/optim.html#taking-an-optimization-step
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import Window, count, is_zero, trained_unseen, windows, zero_throughout
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, GradTouched, OptimizerStepped

CODE = "TR402"
NAME = "cleared"
REQUIRES = (GradAccumulated, GradTouched, OptimizerStepped)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    seen = [w for w in windows(leaf, facts) if w.accumulated and not w.step.closure]
    if not seen or not all(_lost(w) or _emptied(leaf, w) for w in seen) or zero_throughout(leaf, facts):
        return None
    if any(w.fed for w in windows(leaf, facts)) or trained_unseen(leaf, facts):
        return None
    touch = next((w.cleared for w in seen if w.cleared is not None), None)
    if touch is None:
        return _unseen(leaf, facts, seen)
    by, at = touch.function or "a reset", text_of(facts, touch.place)
    message = (
        f"{by}{at} cleared its gradient after backward and before the step, in "
        f"{times(count(seen), 'step')} of {count(seen)}"
    )
    fix = f"move {by}{at} before backward, or after step()"
    lines = [line for w in seen if w.cleared for line in line_at(facts, w.cleared.place, "cleared", w.cleared.function)]
    starts = (facts.backwards.get(seen[-1].accumulated[-1].backward),)
    lines += [line for b in starts if b is not None for line in line_at(facts, b.place, "backward")]
    lines += line_at(facts, seen[-1].step.place, "step")
    return found(NAME, leaf, message, fix, lines)


def _emptied(leaf: LeafFacts, window: Window) -> bool:
    """Backward left a gradient, the step saw none, and the write between them was not seen."""
    before = [grad for grad in leaf.grads if grad.step == window.step.step and not is_zero(grad)]
    alone = len(window.accumulated) == 1  # of several, another may have left it
    return bool(before) and alone and window.empty and not window.touches and not window.passed_by


def _unseen(leaf: LeafFacts, facts: Facts, seen: list[Window]) -> Finding:
    norm = next((grad.norm for grad in reversed(leaf.grads) if grad.norm), None)
    message = (
        f"backward left a gradient of norm {number(norm)}, and {times(count(seen), 'step')} of {count(seen)} saw none "
        "of it: something between them that was not seen wrote zeros into it"
    )
    start = facts.backwards.get(seen[-1].accumulated[-1].backward)
    lines = () if start is None else line_at(facts, start.place, "backward")
    fix = "look between these two lines for what writes into .grad"
    return found(NAME, leaf, message, fix, (*lines, *line_at(facts, seen[-1].step.place, "step")))


def _lost(window: Window) -> bool:
    """The step saw no gradient, and a reset was the last thing that happened to it."""
    if window.passed_by or window.cleared is None:
        return False
    return window.empty or window.grad is None


def _train(torch: Any, late: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        if not late:
            optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        if late:
            optimizer.zero_grad()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, late=True)


def good(torch: Any) -> None:
    _train(torch, late=False)
