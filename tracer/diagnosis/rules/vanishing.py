"""Gradients shrink through the depth by orders of magnitude.

Each layer multiplies the gradient by its slope and weights. Saturating activations, small initial weights
or long recurrences make the product fall exponentially: the layers near the input learn nothing, although
no gradient is exactly zero. Judged by the gradient per element of weight matrices, relative to the layers
nearer to the loss, over several backwards and along a steady trend: the scale of the loss does not matter.

Fix: residual connections, normalisation, ReLU-like activations, or an initialisation that keeps the
variance (``nn.init.kaiming_normal_``, ``nn.init.xavier_normal_``).

Source: https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import arrived
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, number
from tracer.diagnosis.profile import trend
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, GradMeasured, GraphSeen

CODE = "TR302"
NAME = "vanishing"
REQUIRES = (GraphSeen, BackwardStarted, GradMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not arrived(leaf, facts):
        return None
    seen = trend(leaf, facts, CODE, falling=True)
    if seen is None or seen.ratio > facts.settings["TR302.ratio"]:
        return None
    message = (
        f"its gradient is {number(seen.ratio)} times that of {seen.reference.leaf.seen.name}, "
        "per element and over "
        f"{seen.measured} measurements: it falls steadily through {len(seen.steps)} weights"
    )
    fix = "add residual connections or normalisation, or initialise for the activation used"
    starts = (facts.backwards[key] for key in leaf.reached[:1])
    where = (
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
    _train(torch, scale=0.1, bend="sigmoid")


def good(torch: Any) -> None:
    _train(torch, scale=0.35, bend="tanh")
