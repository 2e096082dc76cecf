"""``report.md``: a summary for a pull request or a job's page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tracer.diagnosis.findings import Finding, Report
from tracer.reports.text import telling
from tracer.reports.words import LOOKS, ROLES, answer, clean, dedented, number, short_file, shortened
from tracer.traces import Trace

_SPECIAL = "\\`*_{}[]<>()#+!|~&"
ROWS = 200


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the summary as GitHub-flavoured Markdown; every name is escaped."""
    return "\n".join(_lines(report)) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in _SPECIAL else sign for sign in clean(text, 500)).replace("\\<", "&lt;")


def _code(text: str) -> str:
    """Return a code span that backticks in the text cannot end."""
    shown = clean(text, 300)
    ticks = "`"
    while ticks in shown:
        ticks += "`"
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _lines(report: Report) -> Iterator[str]:
    yield "# Gradient report"
    yield ""
    yield f"**{escape(answer(report))}**"
    yield ""
    yield f"{report.header.steps} steps, {report.header.backwards} backwards, torch {escape(report.header.torch)}."
    for finding in report.findings:
        if finding.severity != "info":
            yield from _finding(report, finding)
    yield ""
    yield "## Parameters"
    yield ""
    yield "| parameter | verdict | gradient norm | update | optimizer |"
    yield "|---|---|---:|---:|---|"
    names = report.names()
    rows = sorted(report.parameters, key=lambda row: list(LOOKS).index(row.severity))
    for row in rows[:ROWS]:
        owners = ", ".join(_code(o.name).replace("|", "\\|") for o in row.optimizers) or "none"
        name = _code(names[row.leaf]).replace("|", "\\|")
        verdict = f"{LOOKS[row.severity][0]} {row.verdict}"
        yield f"| {name} | {verdict} | {number(row.grad.norm)} | {number(row.value.update_norm)} | {owners} |"
    if len(rows) > ROWS:
        yield f"| and {len(rows) - ROWS} more | | | | |"
    for note in report.notes:
        yield ""
        yield f"> {escape(note)}"


def _finding(report: Report, finding: Finding) -> Iterator[str]:
    short = shortened(list(report.names_of(finding)), report.names().values())
    names = ", ".join(name if re.fullmatch(r"and \d+ more", name) else _code(name) for name in short)
    sure = "" if finding.confidence == "certain" else " (probable)"
    yield ""
    yield f"## {LOOKS[finding.severity][0]} {finding.code} {escape(finding.name)}{sure}"
    yield ""
    yield f"{names}: {escape(finding.message)}"
    for where in telling(finding.where):
        yield ""
        role = f" ({ROLES.get(where.role, where.role)})" if where.role else ""
        yield f"{_code(f'{short_file(where.file)}:{where.line}')} in {_code(where.function)}{role}"
        if where.code:
            yield ""
            for i, code in enumerate(dedented(where.code)):
                at = where.first + i
                yield f"    {'>' if at == where.line else ' '} {at:>4} {clean(code, 200)}"
    if finding.fix:
        yield ""
        yield f"**Fix:** {escape(finding.fix)}"
