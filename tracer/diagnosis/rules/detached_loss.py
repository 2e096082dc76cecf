"""The loss itself had no graph, or was made a leaf by ``requires_grad = True``.

Backward from a tensor without history reaches nothing. PyTorch raises "element 0 of tensors does not
require grad and does not have a grad_fn"; ``loss.requires_grad_()``, or wrapping the number in a new tensor
with ``requires_grad=True``, silences the error and trains nothing: the only gradient goes to the loss.

Where no parameter at all requires grad (adapters loaded for inference, everything frozen) the loss has no graph
either; those that an optimizer holds are named then.

Fix: remove the re-wrapping, and repair the line where the loss lost its history; or unfreeze what should train.

Source: https://docs.pytorch.org/docs/stable/generated/torch.Tensor.requires_grad_.html
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.cutting import cut_lines
from tracer.diagnosis.evidence import cuts_of, detached_roots
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable, Where
from tracer.diagnosis.lines import line_at, text_of, times
from tracer.diagnosis.losses import detached_for, nothing_asks
from tracer.diagnosis.saying import found
from tracer.events import BackwardStarted

CODE = "TR205"
NAME = "detached_loss"
REQUIRES = (BackwardStarted,)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    root = detached_for(leaf, facts)
    if root is None:
        return _nothing_asks(leaf, facts)
    count = times(len(detached_roots(facts)), "backward")
    if root.root_is_leaf:
        how = "a leaf that was told to require grad: it has no history, so the only gradient went to itself"
    else:
        how = "a tensor without a graph, so no gradient went anywhere"
    message = f"{count} started{text_of(facts, root.place)} from {how}"
    fix = "start backward from the computed loss; do not re-wrap it or set requires_grad on it"
    cuts = cuts_of(leaf)
    last = [line for drop in leaf.dropped[-1:] for line in line_at(facts, drop.place, "dropped", drop.op)]
    where = (*cut_lines(facts, cuts[:1]), *_errors(facts), *last, *line_at(facts, root.place, "backward"))
    # Without a recorded cut nothing proves that the leaf took part in this loss.
    certain = (bool(cuts) and cuts[0].certain) or len(detached_roots(facts)) == len(facts.backwards)
    return found(NAME, leaf, message, fix, where, certain=certain)


def _nothing_asks(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """Everything is frozen: no line to repair, but a switch."""
    root = nothing_asks(leaf, facts)
    if root is None:
        return None
    message = (
        f"{times(len(detached_roots(facts)), 'backward')} started{text_of(facts, root.place)} from a loss without a "
        "graph: no parameter at all requires grad"
    )
    fix = "call requires_grad_(True) on what should train before the loss is computed, or load it as trainable"
    return found(NAME, leaf, message, fix, line_at(facts, root.place, "backward"))


def _errors(facts: Facts) -> tuple[Where, ...]:
    return tuple(line for error in facts.errors for line in line_at(facts, error.because, "culprit"))


def _train(torch: Any, rewrap: bool) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = net(torch.randn(8, 3)).pow(2).mean()
        if rewrap:
            loss = torch.tensor(loss.item(), requires_grad=True)
        loss.backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, rewrap=True)


def good(torch: Any) -> None:
    _train(torch, rewrap=False)
