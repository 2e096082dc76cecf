"""A gradient arrived and was exactly zero everywhere, in every backward.

The graph is whole, but an operation on the way has slope zero: a ReLU or clamp that is always off, ``sign``
or ``round``, a mask that removes everything, a factor of zero, a saturated function. Zero only in the first
backward is usual for parts behind a zero-initialised layer (LoRA, zero convolutions) and is not reported;
contributions that cancel in a bias (a Wasserstein critic's last) are only mentioned.

Fix: change the operation that made it zero (see its line): a leaky activation, another initialisation, a
straight-through estimator.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#gradients-for-non-differentiable-functions
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.culprits import cancels, culprit_lines, culprits_of, op_of
from tracer.diagnosis.evidence import arrivals, arrived, zero_throughout
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import BackwardEnded, GradAccumulated, GradMeasured

CODE = "TR301"
NAME = "zero_grad"
REQUIRES = (GradAccumulated, GradMeasured, BackwardEnded)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.seen.kind == "input" or not arrived(leaf, facts) or not zero_throughout(leaf, facts):
        return None
    if any(hook.before for hook in leaf.hooks):
        return None  # a gradient arrived, and the user's hook made it zero
    count = len(arrivals(leaf, facts))
    if cancels(leaf, facts):
        message = (
            f"what arrives at it sums to exactly zero in {times(count, 'measurement')}: it is "
            "only added, and the loss does not depend on it"
        )
        return found(NAME, leaf, message, "nothing to fix; leave the bias out if you like", severity="info")
    culprits = culprits_of(leaf, facts, frozenset({"zero"}))
    if culprits:
        node = culprits[0][0]
        because = f"; {op_of(node)}{text_of(facts, node.place)} turned it to zero"
        fix = f"replace or re-initialise {op_of(node)}{text_of(facts, node.place)}: its slope is zero there"
    else:
        because, fix = (
            "",
            "look for a mask, a factor or an activation that is always zero between it and the loss",
        )
    message = f"its gradient was exactly zero everywhere in {times(count, 'measurement')}{because}"
    if count == 1:
        message += " (one backward only: a zero-initialised layer would look the same)"
    starts = [facts.backwards[key] for key in leaf.reached[:1]]
    where = (*culprit_lines(facts, culprits), *made_lines(facts, leaf))
    where += tuple(line for b in starts if not culprits for line in line_at(facts, b.place, "backward"))
    return found(NAME, leaf, message, fix, where, certain=count > 1)


def _train(torch: Any, bias: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    torch.nn.init.constant_(net[0].bias, bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.rand(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, bias=-100.0)


def good(torch: Any) -> None:
    _train(torch, bias=1.0)
