"""Two optimizers, or two param groups, step the same parameter.

Each step is taken twice, with two sets of momentum and two learning rates that fight each other; the
effective learning rate is not the one that was set. A parameter that is listed twice in one group is
stepped twice as well.

Fix: leave the parameter in one of them only.

Source: https://docs.pytorch.org/docs/stable/optim.html#per-parameter-options
"""

from __future__ import annotations

from typing import Any

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
    both = _stepped_by_turns(leaf)
    if len(both) < 2:
        return None
    names = [optimizer_text(facts, key) for key in both]
    counts = " and ".join(
        f"{name} ({sum(s.optimizer == key for s in leaf.steps)} times)" for key, name in zip(both, names, strict=True)
    )
    message = f"{counts} step it by turns: its learning rate and momentum are those of neither"
    return found(NAME, leaf, message, f"leave it in one of {' and '.join(names)}", optimizer_lines(facts, both))


def _listed_twice(leaf: LeafFacts) -> int | None:
    """Return the optimizer that holds the leaf at two places, if one does."""
    owners = [optimizer for optimizer, _ in leaf.owners]
    return next((key for key in owners if owners.count(key) > 1), None)


def _stepped_by_turns(leaf: LeafFacts) -> list[int]:
    """Return the optimizers whose steps interleave; one that took over from another is no duplicate."""
    keys = list(dict.fromkeys(step.optimizer for step in leaf.steps))
    spans = {k: [s.order for s in leaf.steps if s.optimizer == k] for k in keys}

    def meet(a: int, b: int) -> bool:
        apart = spans[a][-1] < spans[b][0] or spans[b][-1] < spans[a][0]
        if not apart:
            return True
        between = sorted((spans[a][-1], spans[b][0]) if spans[a][-1] < spans[b][0] else (spans[b][-1], spans[a][0]))
        # Two steps on one and the same gradient.
        return not any(between[0] < order < between[1] for order in leaf.accumulated_at)

    return [a for a in keys if any(a != b and meet(a, b) for b in keys)]


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
