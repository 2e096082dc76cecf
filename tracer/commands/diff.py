"""``tracer diff``: two traces side by side: what became better, what worse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracer.commands.terminal import say

if TYPE_CHECKING:
    from tracer.diagnosis.findings import ParameterReport, Report


@click.command("diff")
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="B", type=click.Path(path_type=Path))
def command(before: Path, after: Path) -> int:
    """Compare two traces, parameter by parameter."""
    from tracer.api import diagnose, load

    for line in compare(diagnose(load(before)), diagnose(load(after))):
        say(line)
    return 0


def compare(old: Report, new: Report) -> Iterator[str]:
    """Yield the lines of the comparison: worse, better, other changes, then what is on one side only."""
    rows_old, rows_new = _by_name(old), _by_name(new)
    groups: dict[str, list[str]] = {"worse": [], "better": [], "other": []}
    for name in rows_old.keys() & rows_new.keys():
        a, b = rows_old[name], rows_new[name]
        if a.verdict != b.verdict:
            groups[_direction(a, b)].append(f"  {name}: {a.verdict} -> {b.verdict}. {b.message}")
    for title, lines in groups.items():
        if lines:
            yield f"{title} ({len(lines)}):"
            yield from sorted(lines)
    yield from _one_side("only in A", rows_old.keys() - rows_new.keys(), rows_old)
    yield from _one_side("only in B", rows_new.keys() - rows_old.keys(), rows_new)
    same = sum(rows_old[name].verdict == rows_new[name].verdict for name in rows_old.keys() & rows_new.keys())
    yield f"same verdict: {same} parameter(s)"


def _by_name(report: Report) -> dict[str, ParameterReport]:
    return {report.name_of(row.leaf): row for row in report}


def _direction(a: ParameterReport, b: ParameterReport) -> str:
    from tracer.diagnosis.findings import SEVERITIES

    first, second = SEVERITIES.index(a.severity), SEVERITIES.index(b.severity)
    return "other" if first == second else "worse" if second < first else "better"


def _one_side(title: str, names: set[str], rows: dict[str, ParameterReport]) -> Iterator[str]:
    if names:
        yield f"{title} ({len(names)}):"
        yield from (f"  {name}: {rows[name].verdict}" for name in sorted(names))
