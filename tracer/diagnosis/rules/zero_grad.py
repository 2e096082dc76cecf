"""A gradient arrived and was exactly zero everywhere, in every backward.

The graph is whole, but an operation on the way has slope zero: a ReLU or clamp that is always off, ``sign``
or ``round``, a mask that removes everything, a factor of zero, a saturated function. Zero only in the first
backward is usual for parts behind a zero-initialised layer (LoRA, zero convolutions) and is not reported; as long
as that layer has not moved, it is only mentioned;
contributions that cancel in a bias (a Wasserstein critic's last) are only mentioned. An activation that died
during the run, zero in every later measurement, is reported as probable.

Fix: change the operation that made it zero (see its line): a leaky activation, another initialisation, a
straight-through estimator.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#gradients-for-non-differentiable-functions
"""

from __future__ import annotations

import math
from typing import Any

from tracer.diagnosis.blame import blame_of
from tracer.diagnosis.culprits import cancels, culprit_lines, culprits_of, op_of
from tracer.diagnosis.evidence import (
    arrivals,
    arrived,
    is_zero,
    trained_last_unseen,
    trained_unseen,
    zero_throughout,
)
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, text_of, times
from tracer.diagnosis.saying import found
from tracer.diagnosis.sleeping import awake, factor_of, is_custom
from tracer.diagnosis.slopes import SHUTS, advice
from tracer.events import BackwardEnded, GradAccumulated, GradMeasured, Node

CODE = "TR301"
NAME = "zero_grad"
REQUIRES = (GradAccumulated, GradMeasured, BackwardEnded)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.seen.kind == "input" or not arrived(leaf, facts) or any(hook.before for hook in leaf.hooks):
        return None  # with a hook: a gradient arrived, and the user's hook made it zero
    if not zero_throughout(leaf, facts):
        return None if trained_last_unseen(leaf, facts) else _died(leaf, facts)
    if trained_unseen(leaf, facts):
        return None
    count = leaf.count(arrivals(leaf, facts))
    if cancels(leaf, facts):
        message = (
            f"what arrives at it sums to exactly zero in {times(count, 'measurement')}: it is "
            "only added, and the loss does not depend on it"
        )
        return found(NAME, leaf, message, "nothing to fix; leave the bias out if you like", severity="info")
    factor = factor_of(leaf, facts)
    if factor is not None:
        return _asleep(leaf, facts, *factor)
    blame = blame_of(leaf, facts) if _all_broken(leaf, facts) else None
    culprits = culprits_of(leaf, facts, frozenset({"zero"}))
    if blame is not None:
        because, fix = blame.because, blame.fix
    elif culprits:
        node = culprits[0][0]
        because = f"; {op_of(node)}{text_of(facts, node.place)} turned it to zero"
        fix = advice(op_of(node), text_of(facts, node.place))
    else:
        because, fix = (
            "",
            "look for a mask, a factor or an activation that is always zero between it and the loss",
        )
    message = f"its gradient was exactly zero everywhere in {times(count, 'measurement')}{because}"
    if count == 1:
        message += " (one backward only: a zero-initialised layer would look the same)"
    starts = [facts.backwards[key] for key in leaf.reached[:1]]
    where = (*(blame.where if blame else ()), *culprit_lines(facts, culprits), *made_lines(facts, leaf))
    where += tuple(line for b in starts if not culprits for line in line_at(facts, b.place, "backward"))
    return found(NAME, leaf, message, fix, where, certain=count > 1)


def _asleep(leaf: LeafFacts, facts: Facts, factor: LeafFacts, product: Node) -> Finding:
    """Only a remark: what it is multiplied with is zero as yet, and that one is told of where it does not move."""
    at = f"{op_of(product)}{text_of(facts, product.place)}"
    if is_custom(product):
        message = (
            f"its gradient was exactly zero in 1 measurement; `{factor.seen.name}`, which {at} takes too, may be the"
        )
        message += " factor that starts at zero"
    else:
        message = f"its gradient is exactly zero as long as `{factor.seen.name}` is, which {at} multiplies with"
    if awake(factor, facts):
        message, fix = f"{message}; that one has moved now", "nothing to fix; record one more step to see its gradient"
    else:
        fix = f"make `{factor.seen.name}` train: no step has moved it"
    lines = line_at(facts, product.place, "culprit", op_of(product))
    return found(NAME, leaf, message, fix, lines, severity="info", certain=not is_custom(product))


def _all_broken(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether every loss behind its gradients was NaN or Inf."""
    roots = [
        facts.backwards[event.backward].root_value for event in leaf.accumulated if event.backward in facts.backwards
    ]
    return bool(roots) and all(value is not None and not math.isfinite(value) for value in roots)


def _died(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """The gradient was there at first, then an activation shut for good: zero in each later measurement."""
    grads = arrivals(leaf, facts)
    alive = max((i for i, grad in enumerate(grads) if not is_zero(grad)), default=-1) + 1
    alive, dead = leaf.count(grads[:alive]), leaf.count(grads[alive:])
    if dead < max(facts.settings["TR301.dead"], alive) or not _still_wrong(leaf, facts):
        return None
    shut = [node for node, _ in culprits_of(leaf, facts, frozenset({"zero"})) if op_of(node) in SHUTS]
    if not shut:
        return None
    op, at = op_of(shut[-1]), text_of(facts, shut[-1].place)
    message = (
        f"its gradient was there in {times(alive, 'measurement')} and exactly zero in the {dead} since: {op}{at} has "
        "died, it is off for every input"
    )
    fix = f"a smaller learning rate, or an activation in place of {op}{at} that lets some gradient through when off"
    lines = (*line_at(facts, shut[-1].place, "culprit", op), *made_lines(facts, leaf))
    return found(NAME, leaf, message, fix, lines, severity="warning", certain=False)


def _still_wrong(leaf: LeafFacts, facts: Facts) -> bool:
    """A loss of exactly 0 needs no gradient: the margin is kept."""
    last = facts.backwards.get(leaf.accumulated[-1].backward)
    return last is not None and last.root_value != 0.0


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
