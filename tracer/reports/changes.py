"""What changed from one report to another: parameters that train better or worse, findings that came or went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tracer.diagnosis.findings import SEVERITIES, Finding, ParameterReport, Report
from tracer.reports.words import number


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter whose verdict is not what it was."""

    name: str
    before: ParameterReport
    after: ParameterReport

    @property
    def direction(self) -> str:
        """Return "worse", "better", or "other" where both verdicts weigh the same."""
        first, second = SEVERITIES.index(self.before.severity), SEVERITIES.index(self.after.severity)
        return "other" if first == second else "worse" if second < first else "better"


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs, by name."""

    changed: tuple[Change, ...]
    only_before: tuple[tuple[str, ParameterReport], ...]
    only_after: tuple[tuple[str, ParameterReport], ...]
    same: int  #: parameters with the same verdict in both
    new_findings: tuple[Finding, ...]  #: of the later report: kinds of finding that the earlier one has not
    gone_findings: tuple[Finding, ...]

    def of(self, direction: str) -> tuple[Change, ...]:
        """Return the changes of one direction: "worse", "better" or "other"."""
        return tuple(change for change in self.changed if change.direction == direction)


def compare(before: Report, after: Report) -> Changes:
    """Compare two reports, parameter by parameter."""
    old, new = _by_name(before), _by_name(after)
    both = sorted(old.keys() & new.keys())
    changed = tuple(Change(n, old[n], new[n]) for n in both if old[n].verdict != new[n].verdict)
    return Changes(
        changed,
        tuple((name, old[name]) for name in sorted(old.keys() - new.keys())),
        tuple((name, new[name]) for name in sorted(new.keys() - old.keys())),
        len(both) - len(changed),
        _missing(after, before),
        _missing(before, after),
    )


def _by_name(report: Report) -> dict[str, ParameterReport]:
    names = report.names()
    return {names[row.leaf]: row for row in report.parameters}


def _missing(here: Report, there: Report) -> tuple[Finding, ...]:
    """Return the findings that are no verdict and whose kind the other report does not have."""
    known = {finding.code for finding in there.findings}
    verdicts = {row.verdict for row in here.parameters}
    return tuple(f for f in here.findings if f.code not in known and f.name not in verdicts)


def summary(changes: Changes) -> str:
    """Return the comparison as one sentence."""
    parts = [f"{len(changes.of(way))} {way}" for way in ("worse", "better") if changes.of(way)]
    if changes.of("other"):
        parts.append(f"{len(changes.of('other'))} with another verdict of the same weight")
    if changes.only_after:
        parts.append(f"{len(changes.only_after)} new")
    if changes.only_before:
        parts.append(f"{len(changes.only_before)} gone")
    if not parts:
        return f"No verdict changed: {changes.same} parameters have the same in both."
    return f"Parameters: {', '.join(parts)}; {changes.same} have the same verdict in both."


def lines(changes: Changes) -> Iterator[str]:
    """Yield the comparison as text: worse first, then better, then what is on one side only."""
    for way in ("worse", "better", "other"):
        if changes.of(way):
            yield f"{way} ({len(changes.of(way))}):"
            yield from (f"  {_line(change)}" for change in changes.of(way))
    for title, rows in (("only in A", changes.only_before), ("only in B", changes.only_after)):
        if rows:
            yield f"{title} ({len(rows)}):"
            yield from (f"  {name}: {row.verdict}" for name, row in rows)
    for title, findings in (("finding only in A", changes.gone_findings), ("finding only in B", changes.new_findings)):
        yield from (f"{title}: {finding.code} {finding.name}: {finding.message}" for finding in findings)
    yield f"same verdict: {changes.same} parameter(s)"


def _line(change: Change) -> str:
    before, after = change.before, change.after
    text = f"{change.name}: {before.verdict} -> {after.verdict}. {after.message}"
    norms = (before.grad.norm, after.grad.norm)
    return text if norms[0] == norms[1] else f"{text} (gradient norm {number(norms[0])} -> {number(norms[1])})"
