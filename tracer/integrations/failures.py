"""What a failed assertion says: the diagnosis, one block per cause, with the line and the fix."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.diagnosis.findings import Finding, ParameterReport, Report, Where
from tracer.reports.words import clean

#: Parameters named one by one in a headline; causes and lines shown in full.
NAMED, CAUSES, LINES = 8, 6, 3


def failure_text(headline: str, rows: Iterable[ParameterReport], report: Report) -> str:
    """Return the text of a failure: the headline, then each cause once with the parameters that share it."""
    blocks = [headline]
    causes = _by_cause(rows)
    for number, alike in enumerate(causes):
        if number == CAUSES:
            blocks.append(f"and {len(causes) - CAUSES} more causes; report.findings has them all")
            break
        blocks.append(_block(alike, report))
    return "\n\n".join(blocks)


def finding_text(finding: Finding, report: Report) -> str:
    """Return one finding as text."""
    names = _listed(report.names_of(finding))
    head = f"{finding.code} {finding.name}: {names}"
    return "\n".join([head, *_body(finding.message, finding.where, finding.fix)])


def _by_cause(rows: Iterable[ParameterReport]) -> list[list[ParameterReport]]:
    causes: dict[object, list[ParameterReport]] = {}
    for row in rows:
        lines = tuple((w.file, w.line) for w in row.where if w.role != "made")
        causes.setdefault((row.verdict, lines or row.fix), []).append(row)
    return list(causes.values())


def _block(alike: list[ParameterReport], report: Report) -> str:
    first = alike[0]
    codes = f" ({', '.join(first.findings)})" if first.findings else ""
    head = f"{first.verdict}{codes}: {_listed([report.name_of(row.leaf) for row in alike])}"
    return "\n".join([head, *_body(first.message, first.where, first.fix)])


def _body(message: str, where: Iterable[Where], fix: str) -> list[str]:
    lines = [f"  {clean(message)}"]
    for place in list(where)[:LINES]:
        role = f"  ({place.role})" if place.role else ""
        lines.append(f"  {clean(place.file, 200)}:{place.line} in {clean(place.function, 120)}{role}")
        at = place.line - place.first
        if 0 <= at < len(place.code):
            lines.append(f"      {clean(place.code[at].strip(), 110)}")
    return [*lines, f"  Fix: {clean(fix)}"] if fix else lines


def _listed(names: Iterable[str]) -> str:
    shown = [clean(name, 120) for name in names]
    more = len(shown) - NAMED
    return ", ".join(shown[:NAMED]) + (f" and {more} more" if more > 0 else "")
