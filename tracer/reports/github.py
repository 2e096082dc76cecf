"""``annotations.txt``: findings as GitHub workflow commands, which a job's log turns into notes on source lines.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.diagnosis.findings import Finding, Report, Where
from tracer.reports.words import clean, shortened
from tracer.traces import Trace

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}
#: GitHub shows at most ten of each kind per step.
MOST = 10


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return one line per finding, worst first; at most ten of each severity."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    everyone = list(report.names().values())
    shown: dict[str, int] = {}
    for finding in report.findings:
        command = _COMMANDS.get(finding.severity, "notice")
        shown[command] = shown.get(command, 0) + 1
        if shown[command] <= MOST:
            yield _line(report, finding, command, everyone)


def _line(report: Report, finding: Finding, command: str, everyone: list[str]) -> str:
    names = ", ".join(shortened([clean(name, 120) for name in report.names_of(finding)], everyone, most=4))
    sure = "" if finding.confidence == "certain" else " (probable)"
    given = [f"title={_value(f'{finding.code} {finding.name}{sure}')}"]
    place = next((where for where in finding.where if in_project(where)), None)
    if place is not None:
        given = [f"file={_value(place.file)}", f"line={max(1, place.line)}", *given]
    fix = f". Fix: {finding.fix}" if finding.fix else ""
    return f"::{command} {','.join(given)}::{_text(f'{names}: {finding.message}{fix}')}"


def in_project(where: Where) -> bool:
    """Tell whether a place is a file of the program's own folder, which a line can be annotated in."""
    return not where.file.startswith(("/", "<", "..")) and ":" not in where.file[:3]


def _text(text: str) -> str:
    return clean(text, 4_000).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
