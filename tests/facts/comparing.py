"""Holds the rows of a report against the facts, where it is plain which belongs to which."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.facts.parameters import Fact
from tests.facts.spelling import spell

#: (requires grad, accumulated, changed, owners); None = the report does not say
Answer = tuple[bool, int, bool | None, tuple[tuple[str, int], ...]]
FIELDS = ("requires_grad", "accumulated", "changed", "owner")


@dataclass(slots=True)
class Outcome:
    """How one program's report fares."""

    compared: int = 0
    wrong: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)  #: reason -> parameters


def compare(rows: Sequence[dict[str, Any]], facts: Sequence[Fact]) -> Outcome:
    """Compare all rows of a report with the facts.

    Parameters of one name and shape, in several models, are compared as a set: which model is which does not
    matter as long as the report has the same answers as often.
    """
    outcome = Outcome()
    groups: dict[tuple[str, tuple[int, ...]], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[spell(row["name"]), tuple(row["shape"])].append(row)
    for (name, shape), group in groups.items():
        found = _matching(name, shape, len(group), facts)
        if not found:
            outcome.left_out["no registered parameter of that name"] += len(group)
        elif len(found) != len(group):
            outcome.left_out["several of that name, not all in the report"] += len(group)
        else:
            outcome.compared += len(group)
            outcome.wrong += _differences(name, [_said(row) for row in group], [_seen(fact) for fact in found])
    return outcome


def _matching(name: str, shape: tuple[int, ...], count: int, facts: Sequence[Fact]) -> list[Fact]:
    """Return the parameters of a name: by their names from roots, else from inner modules; of many the latest."""
    shaped = [fact for fact in facts if tuple(fact.shape) == shape]
    found = [fact for fact in shaped if name in fact.names] or [fact for fact in shaped if name in fact.inner]
    if len(found) > count:
        latest = max(fact.walk for fact in found)
        found = [fact for fact in found if fact.walk == latest]
    return found


def _said(row: dict[str, Any]) -> Answer:
    owners = tuple(sorted({(owner["class"], owner["group"]) for owner in row["optimizers"]}))
    return row["requires_grad"], row["grad"]["accumulated"], row["value"]["changed"], owners


def _seen(fact: Fact) -> Answer:
    # a set: of optimizers that a loop makes anew, alike in everything, a report names one
    return fact.requires_grad, fact.accumulated, fact.changed, tuple(sorted(set(fact.owners)))


def _differences(name: str, said: list[Answer], seen: list[Answer]) -> list[str]:
    rest, extra = Counter(said) - Counter(seen), Counter(seen) - Counter(said)
    pairs = zip(sorted(rest.elements(), key=repr), sorted(extra.elements(), key=repr), strict=True)
    return [
        f"{name}: {label} is {ours!r} in the report, {plain!r} by torch"
        for one, other in pairs
        for label, ours, plain in zip(FIELDS, one, other, strict=True)
        if ours != plain
    ]
