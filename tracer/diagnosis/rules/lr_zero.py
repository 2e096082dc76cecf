"""The learning rate of the parameter's group was 0 in every step.

A scheduler that starts at zero and is stepped too rarely (a warm-up counted in epochs), a group left at
``lr=0``, or a factor that rounds to zero. A warm-up that leaves zero within the recording, and a schedule
that ends there, are not reported.

Fix: start the warm-up above zero (``(step + 1) / warmup``), or step the scheduler every batch.

Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LambdaLR.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import handwritten, trained_unseen
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, optimizer_lines, optimizer_text, times
from tracer.diagnosis.saying import found
from tracer.events import GroupsSeen, OptimizerStepped

CODE = "TR403"
NAME = "lr_zero"
REQUIRES = (GroupsSeen, OptimizerStepped)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not leaf.steps or any(step.lr != 0 for step in leaf.steps) or handwritten(leaf):
        return None
    if trained_unseen(leaf, facts) or any(step.value is not None and step.value.changed for step in leaf.steps):
        return None
    last = leaf.steps[-1]
    name = optimizer_text(facts, last.optimizer)
    message = (
        f"the learning rate of its group {last.group} in {name} was 0 in "
        f"{times(leaf.step_count, 'step')} of {leaf.step_count}"
    )
    fix = f"give group {last.group} of {name} a learning rate above 0; start a warm-up at (step + 1) / warmup"
    owners = list(dict.fromkeys(step.optimizer for step in leaf.steps))
    return found(NAME, leaf, message, fix, (*optimizer_lines(facts, owners), *line_at(facts, last.place, "step")))


def _train(torch: Any, lr: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, lr=0.0)


def good(torch: Any) -> None:
    _train(torch, lr=0.1)
