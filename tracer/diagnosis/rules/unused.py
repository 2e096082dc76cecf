"""The parameter took no part in computing what backward started from.

Its module was never called, or ran and its result was dropped before the loss (a term that is computed,
logged and not returned). It stays at its initial value, and under DistributedDataParallel it stops the run
with "Expected to have finished reduction".

Fix: use the result in the loss, or remove the module.

Source: https://docs.pytorch.org/docs/stable/notes/autograd.html#how-autograd-encodes-the-history
"""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.evidence import detached_roots, missed_by, outermost
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, NotApplicable
from tracer.diagnosis.lines import line_at, made_lines, text_of, times
from tracer.diagnosis.saying import found
from tracer.diagnosis.uncalled import left_uncalled
from tracer.events import BackwardStarted, GradAccumulated

CODE = "TR201"
NAME = "unused"
REQUIRES = (BackwardStarted, GradAccumulated)


def check(leaf: LeafFacts, facts: Facts) -> Finding | NotApplicable | None:
    calls = outermost(facts)
    if not calls or leaf.cuts or leaf.reached or leaf.computed or not missed_by(leaf, facts):
        return None
    detached = len(detached_roots(facts))
    if (detached == len(calls) or (detached and not leaf.dropped)) and not left_uncalled(leaf, facts):
        return None
    count = times(len(calls), "backward")
    if leaf.dropped:
        last = leaf.dropped[-1]
        lines = [*line_at(facts, last.place, "dropped", last.op)]
        lines += [line for key in last.returns for line in line_at(facts, key, "return")]
        left = "".join(text_of(facts, key, ", left out at ") for key in last.returns[:1])
        used = text_of(facts, last.place, ", last used at ")
        message = f"its module ran, but the result{used}{left}, is in none of {count}"
        fix = f"add the result{text_of(facts, last.place, ' of ')} to what backward starts from, or drop the module"
        return found(NAME, leaf, message, fix, (*lines, *made_lines(facts, leaf)))
    copied = _copied(leaf, facts)
    if copied is not None:
        return copied
    never = leaf.module is not None and leaf.module.calls == 0
    passed_over = _passed_over(leaf, facts) if never else ""
    message = f"it took no part in any of {count}" + (": its module was never called" if never else "")
    fix = "call its module in forward and use the result in the loss, or remove it"
    if passed_over:
        message += f", while others in {passed_over} were: nothing was ever routed to it"
        fix = f"if data chooses among {passed_over}, let the run be longer or balance the choice; else {fix}"
    return found(NAME, leaf, message, fix, made_lines(facts, leaf))


def _passed_over(leaf: LeafFacts, facts: Facts) -> str:
    """Return the list of modules (``experts``) of which others were called; '' where there is none."""
    called = facts.once("called lists", _called_lists)
    parts = "" if leaf.module is None else leaf.module.path
    while parts:
        parts, _, last = parts.rpartition(".")
        if last.isdigit() and leaf.module is not None and (leaf.module.model, parts) in called:
            return parts
    return ""


def _called_lists(facts: Facts) -> frozenset[tuple[int, str]]:
    """Return (model, path) of each list of modules of which some were called, but not the list itself."""
    lists = {(m.model, m.path) for m in facts.modules.values() if not m.calls}
    items = ((m.model, m.path.rpartition(".")) for m in facts.modules.values() if m.calls)
    return frozenset((model, head) for model, (head, dot, last) in items if dot and last.isdigit()) & lists


def _copied(leaf: LeafFacts, facts: Facts) -> Finding | None:
    """A deep copy of it gets the gradients in its stead."""
    copies = facts.once("copies", _trained_copies).get(leaf.leaf)
    if not copies:
        return None
    place = copies[-1].seen.place
    message = (
        f"it took no part in any of {times(len(outermost(facts)), 'backward')}: the deep copy of it"
        f"{text_of(facts, place, ' made at ')} gets the gradients"
    )
    fix = f"use the original instead of the copy{text_of(facts, place)}, or write back what the copy learns"
    lines = (line for copy in copies for line in line_at(facts, copy.seen.place, "made", "deepcopy"))
    return found(NAME, leaf, message, fix, (*lines, *made_lines(facts, leaf)))


def _trained_copies(facts: Facts) -> dict[int, list[LeafFacts]]:
    """Return the copies of each leaf that a gradient reached."""
    copies: dict[int, list[LeafFacts]] = {}
    for leaf in facts.leaves.values():
        if leaf.seen.copy_of is not None and leaf.accumulated:
            copies.setdefault(leaf.seen.copy_of, []).append(leaf)
    return copies


def _train(torch: Any, use: bool) -> None:
    class Two(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.main = torch.nn.Linear(3, 1)
            self.extra = torch.nn.Linear(3, 1)

        def forward(self, x: Any) -> Any:
            return self.main(x) + self.extra(x) if use else self.main(x)

    torch.manual_seed(0)
    net = Two()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(torch.randn(8, 3)).pow(2).mean().backward()
        optimizer.step()


def bad(torch: Any) -> None:
    _train(torch, use=False)


def good(torch: Any) -> None:
    _train(torch, use=True)
