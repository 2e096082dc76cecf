"""``.grad`` was assigned, scaled or masked outside autograd between backward and step.

Clipping, unscaling and averaging are the usual and harmless reasons; they are not mentioned. When what is
left is zero (a clipping limit of 0, a mask that removes everything), the parameter does not train, and this
is a warning; when it still trains, a change by the program itself is mentioned as info.

Fix: correct the limit, factor or mask at the line.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import Window, arrivals, count, is_zero, trains, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import GradAccumulated, GradTouched, OptimizerStepped

CODE = "TR307"
NAME = "replaced_grad"
REQUIRES = (GradTouched, GradAccumulated, OptimizerStepped)

#: Library calls that change gradients in place as part of ordinary training.
USUAL = (
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "clip_grad_norm",
    "unscale_",
    "all_reduce",
)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    seen = [w for w in windows(leaf, facts) if w.accumulated and _changes(w)]
    if not seen:
        return None
    emptied = [w for w in seen if w.empty]
    before = [grad for grad in arrivals(leaf, facts) if not is_zero(grad)]
    if emptied and before and not trains(leaf, facts):
        return _say(leaf, facts, emptied, None, f"from norm {number(before[-1].norm)} to zero")
    own = [w for w in seen if any(t.function not in USUAL for t in _changes(w))]
    if not own:
        return None
    after = own[-1].grad
    to = "" if after is None else f" to norm {number(after.norm)}"
    return _say(leaf, facts, own, "info", f"{_from(before)}{to}; it still trains")


def _from(before: list[Any]) -> str:
    return f"from norm {number(before[-1].norm)}" if before else "by the program"


def _changes(window: Window) -> list[GradTouched]:
    return [touch for touch in window.touches if touch.how != "cleared"]


def _say(leaf: LeafFacts, facts: Facts, seen: list[Window], severity: str | None, how: str) -> Finding:
    touches = [touch for window in seen for touch in _changes(window)]
    last = next((t for t in reversed(touches) if severity is None or t.function not in USUAL), touches[-1])
    doer = last.function or ("an assignment" if last.how == "assigned" else "a change of it")
    message = f"{doer}{text_of(facts, last.place)} changed its .grad before {times(count(seen), 'step')}: {how}"
    fix = f"correct the limit, factor or mask of {doer}{text_of(facts, last.place)}"
    lines = (line for touch in touches for line in line_at(facts, touch.place, "changed", touch.function))
    return found(NAME, leaf, message, fix, lines, severity=severity)


def _train(torch: Any, limit: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), limit)
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, limit=0.0)


def good(torch: Any) -> None:
    _train(torch, limit=1.0)
