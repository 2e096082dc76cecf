"""The loss was NaN or Inf although no gradient was.

The value that is printed and used to choose checkpoints is broken, while the gradients still look fine:
an infinite term with a zero slope, a mean over nothing that is masked in backward.

Fix: repair the term of the loss that is not finite; check it with ``torch.isfinite``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.isfinite.html
"""

from __future__ import annotations

import math
from typing import Any

from tracer.diagnosis.blame import blame_of
from tracer.diagnosis.evidence import arrivals, finite, outermost
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, times
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, GradAccumulated, GradMeasured

CODE = "TR308"
NAME = "nan_loss"
REQUIRES = (BackwardStarted, GradAccumulated, GradMeasured)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.seen.kind == "input" or not leaf.accumulated or not _all_finite(facts):
        return None
    mine = {event.backward for event in leaf.accumulated}
    broken = [b for b in outermost(facts) if b.backward in mine and _broken(b.root_value)]
    if not broken:
        return None
    message = f"the loss was {broken[0].root_value} in {times(len(broken), 'backward')}, although no gradient was"
    lines = tuple(line for b in broken[:1] for line in line_at(facts, b.place, "backward"))
    blame = blame_of(leaf, facts)
    if blame is not None:
        return found(NAME, leaf, message + blame.because, blame.fix, (*blame.where, *lines))
    return found(NAME, leaf, message, "repair the term of the loss that is not finite", lines)


def _broken(value: float | None) -> bool:
    return value is not None and not math.isfinite(value)


def _all_finite(facts: Facts) -> bool:
    known = facts.memo.get("all finite")
    if known is None:
        known = facts.memo["all finite"] = all(
            finite(grad) for leaf in facts.leaves.values() for grad in arrivals(leaf, facts)
        )
    return bool(known)


def _train(torch: Any, term: float) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (net(torch.randn(8, 3)).pow(2).mean() + torch.tensor(term)).backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, term=float("inf"))


def good(torch: Any) -> None:
    _train(torch, term=1.0)
