"""The value moved, by weight decay or momentum alone.

AdamW decays every parameter whose ``.grad`` is not None, also when it is exactly zero; momentum goes on
moving a parameter for many steps after its last gradient. A parameter that was frozen late with a gradient
left over drifts towards zero; a test that only asks "did it change" is content.

Fix: set ``.grad`` to None (``zero_grad(set_to_none=True)``), or take the parameter out of the optimizer.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import count, trains, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, number, optimizer_lines, optimizer_text
from tracer.diagnosis.saying import found
from tracer.events import OptimizerStepped, ValueMeasured

CODE = "TR405"
NAME = "decay_only"
REQUIRES = (OptimizerStepped, ValueMeasured)
#: A step without a gradient is what most causes lead to; here it is frozen, so nothing else is said.
WITH = ("TR106",)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    moved = [w for w in windows(leaf, facts) if w.step.value is not None and w.step.value.changed]
    if not moved or trains(leaf, facts) or not all(w.empty for w in moved):
        return None
    last = moved[-1].step
    name = optimizer_text(facts, last.optimizer)
    reasons = [
        f"weight_decay {number(last.weight_decay)}" if last.weight_decay else "",
        f"momentum {number(last.momentum)}" if last.momentum else "",
    ]
    why = " and ".join(reason for reason in reasons if reason) or "the optimizer's own state"
    size = last.value.update_norm if last.value else None
    message = (
        f"{name} moved it in {count(moved)} of {leaf.step_count} steps by {why} alone (last "
        f"change {number(size)}): "
        "no step saw a gradient that was not zero"
    )
    fix = "clear its gradient with set_to_none=True, or leave it out of the optimizer"
    return found(
        NAME,
        leaf,
        message,
        fix,
        (*optimizer_lines(facts, [last.optimizer]), *line_at(facts, last.place, "step")),
    )


def bad(torch: Any) -> None:
    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], lr=0.1, weight_decay=0.1)
    body.requires_grad_(False)
    for parameter in body.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for _ in range(3):
        optimizer.zero_grad(set_to_none=False)
        head(torch.tanh(body(torch.randn(8, 3)))).pow(2).mean().backward()
        optimizer.step()


def good(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()
