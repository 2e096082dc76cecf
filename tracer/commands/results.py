"""What every command does with a trace in the end: write, print, and turn findings into an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracer.commands.options import Output, make_folder
from tracer.commands.terminal import open_console, say

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Finding, Report
    from tracer.traces import Trace

_SHOWN = 3  #: findings in a short summary


def rank_folder(trace: Trace, out: Path) -> Path:
    """Return where one rank writes: ``out`` itself when there is only one."""
    return out if trace.header.world_size <= 1 else out / f"rank{trace.header.rank}"


def save_trace(trace: Trace, out: Path) -> Path:
    """Save a trace under ``out``, in its rank's folder when there are several."""
    from tracer.store.jsonl import FILE_NAME, save

    return save(trace, make_folder(rank_folder(trace, out)) / FILE_NAME)


def write_formats(trace: Trace, report: Report, output: Output, folder: Path, **more: Any) -> list[Path]:
    """Write the formats asked for; return the files. Further options go to every format.

    ``github`` is printed too, since a job reads its notes from the log.
    """
    from tracer.reports.writing import write

    formats = list(output.formats)
    if "svg" in formats and "dot" not in formats:
        formats.insert(formats.index("svg"), "dot")  # there even when no engine can lay it out
    files = write(trace, report, folder, formats, engine=output.engine, **output.choices, **more)
    if "github" in formats:
        announce(trace, report)
    return files


def announce(trace: Trace, report: Report) -> None:
    """Print the notes for a GitHub job, and add the summary to its page where the job has one.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    from tracer.reports import github, markdown

    print(github.render(trace, report), end="", flush=True)
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with contextlib.suppress(OSError), open(page, "a", encoding="utf-8") as file:
            file.write(markdown.render(trace, report))


def print_table(report: Report, output: Output) -> None:
    """Print the table on stdout, when ``text`` is asked for."""
    if "text" in output.formats and not output.quiet:
        from tracer.reports.text import print_report

        print_report(report, open_console(output.color))
        sys.stdout.flush()


def print_files(files: list[Path], output: Output) -> None:
    """Say on stderr what was written, with the file to open first."""
    if files and not output.quiet:
        first = _to_open(files)
        others = ", ".join(file.name for file in files if file != first)
        say(f"wrote {first}" + (f" (and {others})" if others else ""), stderr=True)


def print_summary(report: Report, files: list[Path]) -> None:
    """Print a few lines on stderr: the answer, the worst findings, the notes, the file to open."""
    from tracer.reports.words import answer

    worse = [finding for finding in report.findings if finding.severity in ("error", "warning")]
    lines = [answer(report), *(_line_of(report, finding) for finding in worse[:_SHOWN])]
    if len(worse) > _SHOWN:
        lines.append(f"and {len(worse) - _SHOWN} more findings in the report")
    lines += [f"note: {note}" for note in report.notes[:_SHOWN]]
    if files:
        lines.append(f"wrote {_to_open(files)}")
    for line in lines:
        say(f"tracer: {line}", stderr=True)


def _line_of(report: Report, finding: Finding) -> str:
    from tracer.reports.words import shortened

    names = shortened(report.names_of(finding), report.names().values(), most=3)
    where = f"{finding.where[0].file}:{finding.where[0].line}" if finding.where else ""
    at = f" ({where})" if where and where not in finding.message else ""
    return f"{finding.severity} {finding.code} {finding.name} {', '.join(names)}: {finding.message}{at}"


def _to_open(files: list[Path]) -> Path:
    return next((file for file in files if file.suffix == ".html"), files[-1])


def status_of(report: Report, fail_on: str) -> int:
    """Return 1 when a finding is at or above ``fail_on``, else 0."""
    if fail_on == "never":
        return 0
    from tracer.diagnosis.findings import SEVERITIES

    failing = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
    return int(any(finding.severity in failing for finding in report.findings))
