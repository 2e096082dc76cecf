"""An optimizer holds another tensor in the parameter's stead.

An optimizer keeps the tensor objects that it was given. When the model gets new ones afterwards (a layer
is replaced or pruned, ``load_state_dict(assign=True)``, a deep copy is trained, the model is re-created),
the optimizer goes on stepping the old tensors, which get no gradient any more, and the new ones stay.

Fix: build the optimizer after the last change of the model, or exchange the tensors in its
``param_groups``.

Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.load_state_dict
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import driven, handwritten, trainable_at_end, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, optimizer_lines, optimizer_text, text_of
from tracer.diagnosis.saying import found
from tracer.diagnosis.successors import stale_of
from tracer.events import GroupsSeen, LeafSeen

CODE = "TR102"
NAME = "stale_in_optimizer"
REQUIRES = (LeafSeen, GroupsSeen)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.steps or leaf.owners or not trainable_at_end(leaf) or handwritten(leaf) or driven(leaf, facts):
        return None
    stale = stale_of(leaf, facts)
    if stale is None:
        return None
    owners = tuple(dict.fromkeys(optimizer for optimizer, _ in stale.old.owners))
    names = " and ".join(optimizer_text(facts, key) for key in owners)
    others = "" if stale.held == 1 else f" (one of {stale.held} such tensors)"
    built = "".join(
        text_of(facts, facts.optimizers[k].place, " built at ") for k in owners[:1] if k in facts.optimizers
    )
    word = "copied" if leaf.seen.copy_of == stale.old.leaf else "replaced"
    how = text_of(facts, stale.place, f", {word} at ") if stale.place is not None else ""
    fed = any(window.fed for window in windows(stale.old, facts))
    end = "that one is given gradients, but its value never comes back" if fed else "that one gets no gradient"
    message = (
        f"{names}{built} holds another tensor of shape {tuple(stale.old.seen.shape)} in its stead"
        f"{others}{how}; {end}, and this one is never stepped"
    )
    fix = f"build {optimizer_text(facts, owners[0])} after the model has its final tensors, or add this one to it"
    where = (
        *line_at(facts, stale.place, "replaced"),
        *optimizer_lines(facts, owners),
        *made_lines(facts, leaf),
    )
    return found(NAME, leaf, message, fix, where, certain=stale.certain)


def bad(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net[2] = torch.nn.Linear(4, 1)
    for _ in range(3):
        net.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def good(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    net[2] = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        net.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()
