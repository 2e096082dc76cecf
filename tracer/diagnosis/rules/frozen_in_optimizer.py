"""The parameter is frozen, yet an optimizer owns it.

``requires_grad=False`` wins: no gradient arrives, and the optimizer skips the parameter. This is the usual
way to freeze part of a model that was handed to the optimizer whole, and harmless. When the optimizer was
given a hand-picked list that holds a parameter already frozen, one of the two was a mistake: then it is
the verdict too. Momentum and weight decay can still move a parameter that was frozen late (TR405).

Fix: pass the optimizer only what trains, ``[p for p in net.parameters() if p.requires_grad]``, or unfreeze
the parameter if it should train.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#setting-requires-grad
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import frozen_throughout, trainable_at
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, optimizer_lines, optimizer_text, times
from tracer.diagnosis.saying import found
from tracer.events import GroupsSeen, LeafSeen

CODE = "TR106"
NAME = "frozen_in_optimizer"
REQUIRES = (LeafSeen, GroupsSeen)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if not leaf.owners or leaf.seen.kind == "orphan" or not frozen_throughout(leaf, facts):
        return None
    owners = [optimizer for optimizer, _ in leaf.owners]
    names = " and ".join(dict.fromkeys(optimizer_text(facts, key) for key in owners))
    how = f"skipped it in {times(leaf.step_count, 'step')}" if leaf.steps else "will skip it"
    message = f"requires_grad is False, so {names} {how}"
    fix = "leave it out of the optimizer, or call requires_grad_(True) if it should train"
    toggled = (line for toggle in leaf.toggles for line in line_at(facts, toggle.place, "changed", "requires_grad"))
    return found(NAME, leaf, message, fix, (*toggled, *optimizer_lines(facts, owners)))


def picked_while_frozen(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether a hand-picked list for an optimizer named a parameter that was frozen already.

    A whole model handed over is no such list, and neither is an optimizer of which nothing trains.
    """
    return any(_picked(leaf, facts, optimizer) for optimizer, _ in leaf.owners)


def _picked(leaf: LeafFacts, facts: Facts, optimizer: int) -> bool:
    if trainable_at(leaf, leaf.owned_at.get(optimizer, 0)):
        return False
    models = facts.once(("left out", optimizer), lambda facts: _left_out(facts, optimizer))
    return leaf.seen.model in models


def _left_out(facts: Facts, optimizer: int) -> frozenset[int | None]:
    """Return the models of which an optimizer that trains something holds some parameters only, or none."""
    held = {key for group in facts.groups.get(optimizer, ()) for key in group.leaves}
    if not any(facts.leaves[key].accumulated for key in held if key in facts.leaves):
        return frozenset()
    parameters = (leaf for leaf in facts.leaves.values() if leaf.seen.kind == "parameter")
    return frozenset(leaf.seen.model for leaf in parameters if leaf.leaf not in held)


def bad(torch: Any) -> None:
    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    net = torch.nn.Sequential(body, torch.nn.Tanh(), head)
    body.requires_grad_(False)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def good(torch: Any) -> None:
    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    net = torch.nn.Sequential(body, torch.nn.Tanh(), head)
    body.requires_grad_(False)
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()
