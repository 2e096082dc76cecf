"""One row of the report per leaf: the verdict beside the plain numbers."""

from __future__ import annotations

from collections.abc import Sequence

from tracer.diagnosis.choosing import Choice
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Finding, GradReport, OwnerReport, ParameterReport, ValueReport
from tracer.events import GradMeasured


def row_of(
    leaf: LeafFacts, facts: Facts, choice: Choice, findings: Sequence[Finding], models: dict[int, str]
) -> ParameterReport:
    """Return the row of one leaf."""
    seen = leaf.seen
    model, name = ("", seen.name) if seen.model is None else (models.get(seen.model, ""), seen.name)
    if seen.model is None and "." in name:
        model, _, name = name.partition(".")  # ``agent.log_alpha``: an attribute of an object that is no module
    trainable = leaf.toggles[-1].value if leaf.toggles else seen.requires_grad
    return ParameterReport(
        leaf.leaf, name, model, seen.aliases,
        seen.shape, seen.dtype, seen.device, trainable, choice.verdict, choice.severity, choice.confidence,
        choice.message, choice.fix, choice.where, owners_of(leaf, facts), grad_of(leaf),
        value_of(leaf, facts), tuple(dict.fromkeys(finding.code for finding in findings)),
    )  # fmt: skip


def model_names(facts: Facts) -> dict[int, str]:
    """Return the name of each root; roots of one name get a number, so that each is unique."""
    counts: dict[str, int] = {}
    names: dict[int, str] = {}
    for key, model in facts.models.items():
        counts[model.name] = counts.get(model.name, 0) + 1
        names[key] = model.name if counts[model.name] == 1 else f"{model.name}#{counts[model.name]}"
    return names


def owners_of(leaf: LeafFacts, facts: Facts) -> tuple[OwnerReport, ...]:
    """Return the optimizers that hold the leaf at the end."""
    rows: list[OwnerReport] = []
    for optimizer, index in leaf.owners:
        seen, lr = facts.optimizers.get(optimizer), facts.groups[optimizer][index].lr
        rows.append(OwnerReport(seen.name if seen else "", seen.cls if seen else "", index, lr))
    return tuple(dict.fromkeys(rows))


def grad_of(leaf: LeafFacts) -> GradReport:
    """Return the last gradient that was measured: as backward left it, else as a step saw it."""
    at_steps = (step.grad for step in leaf.steps if step.grad is not None)
    measured = [g for g in (*leaf.grads, *at_steps) if g.norm is not None and (leaf.accumulated or g.norm)]
    if not measured:
        return GradReport(leaf.accumulations)
    last: GradMeasured = max(measured, key=lambda grad: grad.step)
    return GradReport(leaf.accumulations, last.norm, last.zero_share, last.finite, last.values)


def value_of(leaf: LeafFacts, facts: Facts) -> ValueReport:
    """Return what happened to the value: by steps, else outside them."""
    by_steps = [step.value for step in leaf.steps if step.value is not None]
    outside = [value for _, value in leaf.outside]
    everything = [*by_steps, *outside]
    steps = leaf.step_count
    if not everything:
        known = facts.header.values_compared
        return ValueReport(changed=False if known else None, steps=steps)
    changes = [value for value in by_steps if value.changed]
    moved = changes or [value for value in outside if value.changed]
    last = changes[-1] if changes else by_steps[-1] if by_steps else everything[-1]
    by = None
    if moved:
        optimizer = None if moved[-1].optimizer is None else facts.optimizers.get(moved[-1].optimizer)
        by = "outside" if optimizer is None else optimizer.name
    size = last.update_norm if by_steps else None
    ratio = size / last.value_norm if size is not None and last.value_norm else None
    ordered = sorted(everything, key=lambda value: value.step)
    return ValueReport(
        bool(moved), steps, size, ratio, by, any(value.sampled for value in everything),
        ordered[0].before, ordered[-1].after,
    )  # fmt: skip
