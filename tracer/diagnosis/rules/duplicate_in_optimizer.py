"""Two optimizers, or two param groups, step the same parameter.

Each step is taken twice, with two sets of momentum and two learning rates that fight each other; the
effective learning rate is not the one that was set. A parameter that is listed twice in one group is
stepped twice as well. Optimizers that step by turns, each after a backward of its own, are not reported, and
neither is one that another calls within its own step, as ZeroRedundancyOptimizer does.

Fix: leave the parameter in one of them only.

Source: https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
"""

from __future__ import annotations

import itertools
from typing import Any

from tracer.diagnosis.evidence import Window, count, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import optimizer_lines, optimizer_text
from tracer.diagnosis.saying import found
from tracer.events import GroupsSeen, OptimizerStepped

CODE = "TR103"
NAME = "duplicate_in_optimizer"
REQUIRES = (GroupsSeen, OptimizerStepped)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not leaf.steps:
        return None
    listed = _listed_twice(leaf)
    if listed is not None:
        name = optimizer_text(facts, listed)
        message = f"{name} lists it more than once, so each of its steps moves it more than once"
        return found(NAME, leaf, message, f"list it once in {name}", optimizer_lines(facts, [listed]))
    shared = _same_gradient(windows(leaf, facts))
    both = sorted({key for pair in shared for key in pair})
    if not both:
        return None
    names = [optimizer_text(facts, key) for key in both]
    counts = " and ".join(
        f"{name} ({count(s for s in leaf.steps if s.optimizer == key)} times)"
        for key, name in zip(both, names, strict=True)
    )
    message = (
        f"{counts} step it one after the other on the same gradient: its learning rate and momentum are those of "
        "neither"
    )
    return found(NAME, leaf, message, f"leave it in one of {' and '.join(names)}", optimizer_lines(facts, both))


def _listed_twice(leaf: LeafFacts) -> int | None:
    """Return the optimizer that holds the leaf at two places, if one does."""
    owners = [optimizer for optimizer, _ in leaf.owners]
    return next((key for key in owners if owners.count(key) > 1), None)


def _same_gradient(seen: tuple[Window, ...]) -> list[tuple[int, int]]:
    """Return the pairs of optimizers of which one stepped right after the other, with nothing new to use.

    By turns and each after a backward of its own, as an adversarial autoencoder trains its encoder, is no
    duplicate; neither is one that takes over from another, or that does the work within another's step.
    """
    return [
        (before.step.optimizer, after.step.optimizer)
        for before, after in itertools.pairwise(seen)
        if before.step.optimizer != after.step.optimizer
        and after.step.within != before.step.optimizer
        and not after.accumulated
        and not before.step.closure
        and not after.step.closure
        and before.fed
        and (after.fed or (after.grad is None and not after.touches))
    ]


def bad(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    first = torch.optim.SGD(net.parameters(), lr=0.1)
    second = torch.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(3):
        net.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        first.step()
        second.step()


def good(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 1)
    first = torch.optim.SGD([net.weight], lr=0.1)
    second = torch.optim.Adam([net.bias], lr=0.1)
    for _ in range(3):
        net.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        first.step()
        second.step()
