"""A gradient accumulates in the parameter, but no optimizer that stepped owns it.

Backward computes a gradient for everything the loss depends on; only tensors in an optimizer's param
groups are moved by it. A parameter outside stays at its initial value for ever, while its gradient grows
from step to step. It happens to the parameters of a loss module, to a head that was added later, and to
lists of parameters that were written by hand. Where only tensors outside any module are optimized (an image, a
latent code, a perturbation), the network is a means to that end, and this is no more than a remark. A parameter
whose value the program itself writes with each step (from master weights that an optimizer does hold) is fine.

Fix: add the parameter to the optimizer (``optimizer.add_param_group({"params": [...]})``, or pass it when
the optimizer is built); if it is meant to stay as it is, set ``requires_grad_(False)``.

Source: https://docs.pytorch.org/docs/stable/optim.html#constructing-it
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import (
    anything_stepped,
    arrived,
    driven,
    forgotten,
    handwritten,
    instrument,
    made_anew,
)
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import made_lines, number, optimizer_lines, optimizer_text, optimizers_text, times
from tracer.diagnosis.saying import found
from tracer.diagnosis.successors import stale_of
from tracer.events import GradAccumulated, GroupsSeen, OptimizerStepped

CODE = "TR101"
NAME = "not_in_optimizer"
REQUIRES = (GradAccumulated, GroupsSeen, OptimizerStepped)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    if leaf.steps or leaf.owners or not arrived(leaf, facts) or handwritten(leaf) or _said_better(leaf, facts):
        return None
    if driven(leaf, facts):
        return None
    if not facts.header.optimizers_known:
        return NotApplicable("which optimizers exist could not be seen, so ownership was not judged")
    if not anything_stepped(facts):
        return None
    stepped = [key for key, count in facts.stepped.items() if count]
    names = optimizers_text(facts, stepped)
    norm = leaf.grads[-1].norm if leaf.grads else None
    size = "" if norm is None else f" (last norm {number(norm)})"
    message = (
        f"a gradient accumulated in {times(leaf.accumulations, 'backward')}{size}, but no optimizer that "
        f"stepped owns it: {names} {'does' if len(stepped) == 1 else 'do'} not hold it"
    )
    fix = (
        f"add it to {optimizer_text(facts, stepped[0])} where that is built, or freeze it with "
        "requires_grad_(False) if it is not meant to train"
    )
    where = (*optimizer_lines(facts, stepped), *made_lines(facts, leaf))
    severity = "info" if instrument(leaf, facts) else None
    certain = leaf.seen.role == "weight" or not forgotten(leaf, facts)
    return found(NAME, leaf, message, fix, where, severity=severity, certain=certain)


def _said_better(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether TR102 or TR104 says why no optimizer has it, or whether it is an input."""
    unregistered = leaf.seen.kind == "unregistered" and leaf.seen.model is not None
    unregistered = unregistered or made_anew(leaf, facts) > 1
    aside = leaf.seen.kind == "non_leaf" or (leaf.seen.kind == "input" and not forgotten(leaf, facts))
    return unregistered or aside or stale_of(leaf, facts) is not None


def bad(torch: Any) -> None:
    torch.manual_seed(0)
    body, head = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)
    net = torch.nn.Sequential(body, torch.nn.Tanh(), head)
    optimizer = torch.optim.SGD(body.parameters(), lr=0.1)
    for _ in range(3):
        net.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def good(torch: Any) -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()
