"""Gradients grow through the depth by orders of magnitude.

Large weights or long recurrences multiply the gradient at each layer: the layers near the input take steps
that destroy them, and soon everything is Inf or NaN. Judged by the gradient that flows into the operations
which use the weights, relative to those nearer to the loss on its way, over several backwards and along a
steady trend: layers of a network or time steps of a recurrence.

Fix: smaller initial weights, normalisation, fewer steps of recurrence, or ``clip_grad_norm_`` as a guard.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import arrived
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, number, text_of, times
from tracer.diagnosis.profile import trend
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, GradMeasured, GraphSeen

CODE = "TR303"
NAME = "exploding"
REQUIRES = (GraphSeen, BackwardStarted, GradMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not arrived(leaf, facts):
        return None
    seen = trend(leaf, facts, CODE, falling=False)
    if seen is None:
        return None
    message = (
        f"the gradient that reaches it is {number(seen.ratio)} times as strong as"
        f"{text_of(facts, seen.reference, ' it was at ')}, nearer to the loss, over "
        f"{times(seen.measured, 'backward')}: it grows steadily through {seen.length} layers"
    )
    fix = "initialise with smaller weights or normalise between layers; clip_grad_norm_ only limits the harm"
    stretch = (*line_at(facts, seen.own, "stretch"), *line_at(facts, seen.reference, "stretch"))
    starts = (facts.backwards[key] for key in leaf.reached[:1])
    where = (
        *stretch,
        *made_lines(facts, leaf),
        *(line for b in starts for line in line_at(facts, b.place, "backward")),
    )
    return found(NAME, leaf, message, fix, where)


def _train(torch: Any, scale: float, bend: str) -> None:
    torch.manual_seed(0)
    net = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(10))
    for layer in net:
        torch.nn.init.normal_(layer.weight, std=scale)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    for _ in range(3):
        optimizer.zero_grad()
        x = torch.randn(16, 8)
        for layer in net:
            x = getattr(torch, bend)(layer(x))
        x.mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, scale=10.0, bend="sin")


def good(torch: Any) -> None:
    _train(torch, scale=0.3, bend="sin")
