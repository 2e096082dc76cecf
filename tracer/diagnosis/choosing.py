"""The primary verdict of one leaf: the cause to fix first, or one of the quiet verdicts with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracer.diagnosis.evidence import (
    arrived,
    count,
    driven,
    frozen_throughout,
    handwritten,
    instrument,
    moves_outside,
    only_evaluated,
    owners_known,
    set_aside,
    trained_unseen,
    trains,
    windows,
)
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, Where
from tracer.diagnosis.lines import line_at, number, optimizer_text, times
from tracer.diagnosis.rules.frozen_in_optimizer import picked_while_frozen
from tracer.diagnosis.verdicts import PRIORITY


@dataclass(frozen=True, slots=True)
class Choice:
    """A verdict with everything that a parameter's row says about it."""

    verdict: str
    severity: str
    confidence: str
    message: str
    fix: str = ""
    where: tuple[Where, ...] = ()


def choose(leaf: LeafFacts, facts: Facts, findings: Sequence[Finding]) -> Choice:
    """Return the verdict: the first of ``PRIORITY`` that was found and is more than a remark."""
    frozen = frozen_throughout(leaf, facts)
    for name in PRIORITY:
        finding = next((f for f in findings if f.name == name), None)
        if finding is not None and _counts(leaf, facts, finding, frozen):
            return Choice(name, finding.severity, finding.confidence, finding.message, finding.fix, finding.where)
    if frozen:
        return _frozen(leaf, facts)
    if set_aside(leaf, facts):
        return _aside(leaf, facts)
    if only_evaluated(leaf, facts):
        moved = "; the program itself writes its value" if moves_outside(leaf) else ""
        return Choice("frozen", "ok", "certain", f"only evaluated: no backward ran, and no optimizer has it{moved}")
    if instrument(leaf, facts):
        text = "only tensors outside its model are optimized, through it: its own gradients are not used"
        return Choice("frozen", "ok", "certain", text, "freeze it with requires_grad_(False) to save the work")
    return _updated(leaf, facts)


def _counts(leaf: LeafFacts, facts: Facts, finding: Finding, frozen: bool) -> bool:
    """Remarks (severity info) are no verdict, but for those that say why a value stays."""
    if finding.name == "frozen_in_optimizer":
        return picked_while_frozen(leaf, facts)
    if frozen:
        return finding.name in ("decay_only", "non_leaf")
    return finding.severity != "info" or finding.name in ("no_backward", "zero_grad")


def _frozen(leaf: LeafFacts, facts: Facts) -> Choice:
    moved = any(value.changed for _, value in leaf.outside)
    text = "requires_grad is False" + (
        "; its value is written outside any optimizer" if moved else ", so no gradient was computed for it"
    )
    where = tuple(line for toggle in leaf.toggles for line in line_at(facts, toggle.place, "changed", "requires_grad"))
    return Choice("frozen", "ok", "certain", text, "", where)


def _aside(leaf: LeafFacts, facts: Facts) -> Choice:
    moved = any(value.changed for _, value in leaf.outside)
    if leaf.ever_owned:
        text = "no gradient reaches it and the program itself writes its value: a target or averaged copy"
    elif moved:
        text = (
            "no optimizer has it and no gradient reaches it; the program itself writes its "
            "value, as for a target network"
        )
    elif leaf.cuts:
        text = f"no optimizer has it, and it ran behind {leaf.cuts[0].op or leaf.cuts[0].kind}: kept out of training"
    else:
        text = "no optimizer has it and no gradient reaches it, although requires_grad is True: kept out of training"
    where = tuple(line for cut in leaf.cuts[:1] for line in line_at(facts, cut.place, "cut", cut.op))
    return Choice("frozen", "ok", "probable" if not moved and not leaf.cuts else "certain", text, "", where)


def _updated(leaf: LeafFacts, facts: Facts) -> Choice:
    if handwritten(leaf):
        return Choice("updated", "ok", "certain", "the program updates it itself, from its gradient")
    if driven(leaf, facts):
        text = "no optimizer holds it: the program writes its value with each step, as with master weights"
        return Choice("updated", "ok", "probable", text)
    if leaf.seen.kind == "input" and moves_outside(leaf):
        return Choice("updated", "ok", "probable", "it gets a gradient, and the program itself writes its value")
    if not trains(leaf, facts):
        return _undecided(leaf, facts)
    seen = [w for w in windows(leaf, facts) if w.fed and w.step.value is not None]
    last = next((w.step.value for w in reversed(seen) if w.step.value and w.step.value.changed), None)
    used = count(w for w in windows(leaf, facts) if w.fed)
    names = " and ".join(dict.fromkeys(optimizer_text(facts, step.optimizer) for step in leaf.steps))
    looked_at = " that were looked at" if facts.gaps else ""
    text = f"{names} used its gradient in {used} of {times(leaf.step_count, 'step')}{looked_at}"
    if last is None:
        return Choice("updated", "ok", "probable", f"{text}; whether the value changed was not compared")
    if last.update_norm is not None and last.value_norm:
        text += f"; the last change was {number(last.update_norm / last.value_norm)} of its size"
    return Choice("updated", "ok", "certain", text)


def _undecided(leaf: LeafFacts, facts: Facts) -> Choice:
    """No rule fits: say what is known, and raise no alarm."""
    if trained_unseen(leaf, facts):
        text = "its value changed in steps that were only counted; in those that were looked at it got no gradient"
        return Choice("updated", "ok", "probable", text)
    if arrived(leaf, facts) and not leaf.steps and moves_outside(leaf):
        text = (
            f"a gradient accumulated in {times(len(leaf.accumulated), 'backward')} and its value changed, but no "
            "optimizer's step was seen; one inside torch.compile is not"
        )
        return Choice("no_step", "info", "probable", text, "record it once with optimizer.step() not compiled")
    if arrived(leaf, facts) and not leaf.steps and not owners_known(facts):
        text = f"a gradient accumulated in {times(leaf.accumulations, 'backward')}; no optimizer was seen"
        return Choice("no_step", "info", "probable", text, "record the optimizer's step too")
    if arrived(leaf, facts) and not leaf.steps:
        text = f"a gradient accumulated in {times(leaf.accumulations, 'backward')}; no optimizer stepped yet"
        return Choice("no_step", "info", "probable", text, "record until the optimizer's step")
    if leaf.seen.kind == "orphan" and leaf.owners and not arrived(leaf, facts):
        names = " and ".join(dict.fromkeys(optimizer_text(facts, key) for key, _ in leaf.owners))
        text = f"only {names} holds it: it is in no model any more, and no gradient reached it"
        return Choice("unused", "info", "probable", text, f"build {names} after the model has its final tensors")
    if not arrived(leaf, facts):
        return Choice("unused", "info", "probable", "no gradient was seen for it, and the recording does not tell why")
    return Choice("updated", "ok", "probable", "it was stepped; the recording does not tell what changed its value")
