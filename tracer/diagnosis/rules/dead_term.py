"""One term of the loss has no graph, while others do.

The parameters train, but not through that term: its value is in the printed loss, its gradient is not. The
term was detached, computed under ``no_grad``, or added as a Python number.

Fix: compute the term from tensors that still have their history; or keep it out of the loss if it is for
logging only.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, text_of, times
from tracer.diagnosis.saying import found
from tracer.events import TermDropped

CODE = "TR208"
NAME = "dead_term"
REQUIRES = (TermDropped,)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    terms = facts.once("terms", _terms).get(leaf.leaf, [])
    if not terms or not leaf.accumulated or not leaf.ever_owned:
        return None
    last = terms[-1]
    backwards = len({term.backward for term in terms})
    message = (
        f"a term of the loss that depends on it{text_of(facts, last.place, ', added at ')}, has no graph"
        f"{text_of(facts, last.cut, ': it was cut at ')} ({times(backwards, 'backward')}); it "
        "trains through the "
        "other terms only"
    )
    fix = f"compute the term from tensors with history{text_of(facts, last.cut)}, or leave it out of the loss"
    lines = [line for t in terms for line in line_at(facts, t.cut, "cut", t.op)]
    lines += [line for t in terms for line in line_at(facts, t.place, "term")]
    return found(NAME, leaf, message, fix, lines)


def _terms(facts: Facts) -> dict[int, list[TermDropped]]:
    found: dict[int, list[TermDropped]] = {}
    for term in facts.terms:
        for leaf in dict.fromkeys(term.leaves):
            found.setdefault(leaf, []).append(term)
    return found


def _train(torch: Any, detach: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        error = net(torch.randn(8, 3)).pow(2).mean()
        weight = net.weight.detach() if detach else net.weight
        penalty = weight.pow(2).sum()
        (error + penalty).backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, detach=True)


def good(torch: Any) -> None:
    _train(torch, detach=False)
