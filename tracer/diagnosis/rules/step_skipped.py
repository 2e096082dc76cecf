"""A gradient scaler skipped the optimizer's step.

``GradScaler.step`` looks for Inf and NaN in the gradients; when it finds one it lowers the scale and does
not call ``optimizer.step()``. A few skips at the start are how the scale is found, and are only mentioned.
Skips in most steps mean that some gradient is never finite.

Fix: find the parameter whose gradient is not finite (named in the message) and the operation that made it.

Source: https://docs.pytorch.org/docs/stable/amp.html#gradient-scaling
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, optimizer_lines, optimizer_text
from tracer.diagnosis.saying import found
from tracer.events import StepSkipped

CODE = "TR404"
NAME = "step_skipped"
REQUIRES = (StepSkipped,)
#: The gradient that is not finite, in the same program.
WITH = ("TR304",)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not leaf.skipped or not leaf.accumulated:
        return None
    skipped, ran = len(leaf.skipped), leaf.step_count
    often = skipped / (skipped + ran) > facts.settings["TR404.share"]
    names = ", ".join(facts.leaves[key].seen.name for key in _first_bad(leaf) if key in facts.leaves)
    whose = f", because the gradient of {names} was not finite" if names else ""
    name = optimizer_text(facts, leaf.skipped[-1].optimizer)
    message = f"{skipped} of {skipped + ran} steps of {name} were skipped by a gradient scaler{whose}"
    fix = f"find what makes the gradient of {names or 'some parameter'} infinite or NaN; see TR304"
    lines = (line for event in leaf.skipped[:1] for line in line_at(facts, event.place, "step"))
    owners = [event.optimizer for event in leaf.skipped[:1] if event.optimizer is not None]
    where = (*lines, *optimizer_lines(facts, owners))
    return found(NAME, leaf, message, fix, where, severity=None if often else "info")


def _first_bad(leaf: LeafFacts) -> list[int]:
    """Return up to three leaves whose gradient was not finite; of a big model there may be very many."""
    found: list[int] = []
    for key in (key for event in leaf.skipped for key in event.leaves):
        if key not in found:
            found.append(key)
        if len(found) == 3:
            break
    return found


def _train(torch: Any, factor: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for _ in range(3):
        optimizer.zero_grad()
        loss = (net(torch.randn(8, 3)) * factor).pow(2).mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def bad(torch: Any) -> None:
    _train(torch, factor=1e30)


def good(torch: Any) -> None:
    _train(torch, factor=1.0)
