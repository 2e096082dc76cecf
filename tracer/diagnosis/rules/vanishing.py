"""Gradients shrink through the depth by orders of magnitude.

Each layer multiplies the gradient by its slope and weights. Saturating activations, small initial weights
or long recurrences make the product fall exponentially: the layers near the input learn nothing, although
no gradient is exactly zero. Judged by the gradient that flows into the operations which use the weights,
relative to those nearer to the loss on its way, over several backwards and along a steady trend (layers of a
network or time steps of a recurrence): neither the scale of the loss nor that of the data matters. One
saturated activation (a sigmoid of large numbers) that takes nearly all of the gradient is reported too.

Fix: residual connections, normalisation, ReLU-like activations, or an initialisation that keeps the
variance (``nn.init.kaiming_normal_``, ``nn.init.xavier_normal_``).

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.culprits import op_of
from tracer.diagnosis.evidence import arrivals, arrived, is_zero
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, number, text_of, times
from tracer.diagnosis.profile import trend
from tracer.diagnosis.saying import found
from tracer.diagnosis.signals import saturated
from tracer.events import BackwardStarted, GradMeasured, GraphSeen

CODE = "TR302"
NAME = "vanishing"
REQUIRES = (GraphSeen, BackwardStarted, GradMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not arrived(leaf, facts) or all(is_zero(grad) for grad in arrivals(leaf, facts)):
        return None
    seen = trend(leaf, facts, CODE, falling=True)
    if seen is None:
        return _saturated(leaf, facts)
    message = (
        f"the gradient that reaches it is {number(seen.ratio)} times as strong as"
        f"{text_of(facts, seen.reference, ' it was at ')}, nearer to the loss, over "
        f"{times(seen.measured, 'backward')}: it falls steadily through {seen.length} layers"
    )
    fix = "add residual connections or normalisation, or initialise for the activation used"
    stretch = (*line_at(facts, seen.own, "stretch"), *line_at(facts, seen.reference, "stretch"))
    starts = (facts.backwards[key] for key in leaf.reached[:1])
    where = (
        *stretch,
        *made_lines(facts, leaf),
        *(line for b in starts for line in line_at(facts, b.place, "backward")),
    )
    return found(NAME, leaf, message, fix, where)


def _saturated(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """One activation far out on its flat side takes nearly all of the gradient."""
    hit = saturated(leaf, facts, facts.settings["TR302.saturated"])
    if hit is None:
        return None
    node = hit[1].graph.nodes[hit[0]]
    at = text_of(facts, node.place)
    message = f"{op_of(node)}{at} is saturated: it lets through less than a millionth of the gradient that arrives"
    fix = f"scale or normalise what goes into {op_of(node)}{at}, or use logits with a loss that takes them"
    return found(
        NAME, leaf, message, fix, (*line_at(facts, node.place, "culprit", op_of(node)), *made_lines(facts, leaf))
    )


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
    _train(torch, scale=0.1, bend="sigmoid")


def good(torch: Any) -> None:
    _train(torch, scale=0.35, bend="tanh")
