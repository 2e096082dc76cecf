"""The path from the loss to the parameter ends in an operation that has no derivative.

``argmax``, comparisons, casts to integers, indices and rounding give values that do not change with small
changes of their input; autograd stops there. A loss built from predicted labels (accuracy, edit distance,
counts) has no gradient, however it is written.

Fix: train on a differentiable stand-in (cross entropy on the logits, soft weights, a straight-through
estimator) and keep the hard value for reporting.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#gradients-for-non-differentiable-functions
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.cutting import cut_fix, cut_lines, cut_message, cuts_for, differentiable
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import made_lines
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted, CutFound

CODE = "TR203"
NAME = "non_differentiable"
REQUIRES = (BackwardStarted, CutFound)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    cuts = cuts_for(leaf, facts)
    if not cuts or differentiable(cuts[0]):
        return None
    where = (*cut_lines(facts, cuts), *made_lines(facts, leaf))
    return found(NAME, leaf, cut_message(facts, cuts), cut_fix(facts, cuts), where, certain=cuts[0].certain)


def _train(torch: Any, hard: bool) -> None:
    torch.manual_seed(0)
    encoder, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        scores = encoder(torch.randn(8, 3))
        chosen = torch.nn.functional.one_hot(scores.argmax(dim=1), 4).float() if hard else scores.softmax(dim=1)
        head(chosen).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, hard=True)


def good(torch: Any) -> None:
    _train(torch, hard=False)
