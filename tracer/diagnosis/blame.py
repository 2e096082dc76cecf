"""Who made a NaN or Inf: the first cause in time, forward before backward, with its lines and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer.diagnosis.culprits import culprit_lines, culprits_in, op_of, origins_of
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Where
from tracer.diagnosis.lines import line_at, number, optimizer_lines, text_of

#: A loss that grew by this factor before it overflowed tells of steps that are too large.
GREW = 1e4


@dataclass(frozen=True, slots=True)
class Blame:
    """A cause, as clauses for a message."""

    because: str
    fix: str
    where: tuple[Where, ...]


def blame_of(leaf: LeafFacts, facts: Facts) -> Blame | None:
    """Return the first cause of NaN or Inf in the gradients of one leaf; None where none was seen."""
    origins = {origin.backward: origin for origin in reversed(origins_of(leaf, facts))}
    for key in leaf.reached:
        origin = origins.get(key)
        if origin is not None and origin.kind == "data":
            return _data(facts, origin.source, origin.node.place, op_of(origin.node))
        if origin is not None and origin.kind == "forward":
            return _value(leaf, facts, key, origin.node.place, op_of(origin.node))
        spoilt = culprits_in(leaf, facts, key, frozenset({"nan", "inf"}))
        if origin is None and spoilt:
            op, at = op_of(spoilt[0][0]), text_of(facts, spoilt[0][0].place)
            return Blame(
                f"; first made in backward by {op}{at}, where its slope is not finite",
                f"make {op}{at} safe before it runs: clamp its input or add eps",
                culprit_lines(facts, spoilt),
            )
    return None


def _data(facts: Facts, source: int | None, reader: int | None, op: str) -> Blame:
    made = text_of(facts, source, ", made at ")
    return Blame(
        f"; the data that {op}{text_of(facts, reader)} reads already holds NaN or Inf{made}",
        f"clean the data{text_of(facts, source) or text_of(facts, reader, ' read at ')}: drop or replace what is not "
        "finite, and guard against dividing by zero or taking the log of what is not positive",
        (*line_at(facts, source, "culprit", "data"), *line_at(facts, reader, "reads", op)),
    )


def _value(leaf: LeafFacts, facts: Facts, backward: int, place: int | None, op: str) -> Blame:
    at = text_of(facts, place)
    lines = line_at(facts, place, "culprit", op)
    grown = _growth(leaf, facts, backward)
    if grown is None:
        fix = f"make {op}{at} safe before it runs: clamp its input or add eps, and mask its input instead of its output"
        return Blame(f"; the value of {op}{at} was the first to be NaN or Inf", fix, lines)
    owners = list(dict.fromkeys(step.optimizer for step in leaf.steps))
    lrs = sorted({step.lr for step in leaf.steps if step.lr is not None})
    lr = f" (now {number(lrs[-1])})" if lrs else ""
    return Blame(
        f"; the steps blew it up: the loss went from {number(grown[0])} to {number(grown[1])}, then the value of "
        f"{op}{at} overflowed",
        f"a smaller learning rate{lr}, or clip the gradients",
        (*lines, *optimizer_lines(facts, owners)),
    )


def _growth(leaf: LeafFacts, facts: Facts, backward: int) -> tuple[float, float] | None:
    """Return the first and the last finite loss before a backward, when it grew out of hand."""
    earlier = [abs(v) for key in leaf.reached if key < backward and (v := facts.backwards[key].root_value) is not None]
    earlier = [value for value in earlier if math.isfinite(value)]
    if len(earlier) < 2 or not earlier[0] or earlier[-1] < GREW * earlier[0]:
        return None
    return earlier[0], earlier[-1]
