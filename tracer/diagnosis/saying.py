"""How a rule says what it found: code and severity come from the table of verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.diagnosis.facts import LeafFacts
from tracer.diagnosis.findings import Finding, Where
from tracer.diagnosis.lines import unique
from tracer.diagnosis.verdicts import VERDICTS


def found(
    name: str,
    leaf: LeafFacts,
    message: str,
    fix: str,
    where: Iterable[Where] = (),
    *,
    severity: str | None = None,
    certain: bool = True,
) -> Finding:
    """Return the finding of the rule called ``name`` about one leaf."""
    row = VERDICTS[name]
    confidence = "certain" if certain else "probable"
    return Finding(row.code, name, severity or row.severity, confidence, (leaf.leaf,), message, fix, unique(where))
