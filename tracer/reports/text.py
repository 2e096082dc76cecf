"""The answer in a terminal: one sentence, findings with their lines, then the table of parameters."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tracer.diagnosis.findings import Finding, ParameterReport, Report, Where
from tracer.reports.words import LOOKS, answer, clean, number, shortened
from tracer.traces import Trace

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

#: Rows of the table before healthy ones are summed up.
ROWS = 40


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the report as plain text, 100 columns wide."""
    from rich.console import Console

    buffer = io.StringIO()
    print_report(report, Console(file=buffer, width=100, no_color=True, highlight=False), verbose=True)
    return buffer.getvalue()


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the answer, the findings and the table.

    Args:
        verbose: also list healthy parameters beyond the first 40.
    """
    ascii_only = not _can_show(console)
    console.print(_headline(report, ascii_only))
    for finding in report.findings:
        if finding.severity != "info" or verbose:
            console.print()
            for line in _finding(report, finding, ascii_only):
                console.print(line, soft_wrap=True)
    console.print()
    if report.parameters:
        console.print(table(report, ascii_only=ascii_only, verbose=verbose))
    hidden = [f for f in report.findings if f.severity == "info" and not verbose]
    for finding in hidden[:3]:
        console.print(_plain(f"info {finding.code} {finding.name}: {clean(finding.message)}"), soft_wrap=True)
    for note in report.notes:
        console.print(_plain(f"note: {clean(note)}"), soft_wrap=True)


def _can_show(console: Console) -> bool:
    encoding = (getattr(console.file, "encoding", None) or "utf-8").lower()
    return encoding.startswith("utf")


def _plain(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(text, style=style)


def _symbol(severity: str, ascii_only: bool) -> str:
    return LOOKS[severity][1 if ascii_only else 0]


def _headline(report: Report, ascii_only: bool) -> Text:
    rows = [row.severity for row in report.parameters]
    worst = next((s for s in ("error", "warning") if s in rows), report.worst if report.worst != "info" else "ok")
    return _plain(f"{_symbol(worst, ascii_only)} {clean(answer(report))}", f"bold {LOOKS[worst][3]}")


def _finding(report: Report, finding: Finding, ascii_only: bool) -> Iterator[Text]:
    names = [clean(name, 120) for name in report.names_of(finding)]
    everyone = [clean(report.name_of(row.leaf), 120) for row in report.parameters]
    look = LOOKS[finding.severity]
    title = _plain(f"{_symbol(finding.severity, ascii_only)} {finding.code} {finding.name}", f"bold {look[3]}")
    title.append(f"  {', '.join(shortened(names, everyone))}", style="bold")
    if finding.confidence != "certain":
        title.append("  (probable)", style="dim")
    yield title
    yield _plain(f"  {clean(finding.message)}")
    for where in finding.where[:4]:
        yield from _place(where, ascii_only)
    if finding.fix:
        yield _plain(f"  Fix: {clean(finding.fix)}", "green")


def _place(where: Where, ascii_only: bool) -> Iterator[Text]:
    role = f"  ({where.role})" if where.role else ""
    yield _plain(f"  {clean(where.file, 200)}:{where.line} in {clean(where.function, 120)}{role}", "cyan")
    for offset, code in enumerate(where.code):
        at = where.first + offset
        here = at == where.line
        mark = (">" if ascii_only else "❯") if here else " "
        yield _plain(f"  {mark}{at:>5} {'|' if ascii_only else '│'} {clean(code, 110)}", "" if here else "dim")


def table(report: Report, *, ascii_only: bool = False, verbose: bool = False) -> Table:
    """Return the table of parameters: problems first, then the rest in the order of the model."""
    from rich import box
    from rich.table import Table

    grid = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, expand=False, padding=(0, 1), pad_edge=False)
    grid.add_column("parameter", overflow="fold", min_width=10)
    grid.add_column("shape", no_wrap=True)
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("grad", justify="right", no_wrap=True)
    grid.add_column("update", justify="right", no_wrap=True)
    grid.add_column("optimizer", overflow="ellipsis", no_wrap=True)
    rows = list(report.parameters)
    shown = rows if verbose or len(rows) <= ROWS else _most_telling(rows)
    for row in shown:
        grid.add_row(*_cells(report, row, ascii_only))
    if len(shown) < len(rows):
        grid.caption = f"{len(rows) - len(shown)} more parameters, all updated or frozen"
    return grid


def _most_telling(rows: list[ParameterReport]) -> list[ParameterReport]:
    bad = [row for row in rows if row.severity in ("error", "warning")]
    good = [row for row in rows if row.severity not in ("error", "warning")]
    return bad + good[: max(0, ROWS - len(bad))]


def _cells(report: Report, row: ParameterReport, ascii_only: bool) -> tuple[Text, ...]:
    look = LOOKS[row.severity]
    owners = ", ".join(f"{clean(o.name, 30)}[{o.group}] lr {number(o.lr)}" for o in row.optimizers)
    shape = ("x" if ascii_only else "×").join(map(str, row.shape)) or "scalar"
    return (
        _plain(clean(report.name_of(row.leaf), 200)),
        _plain(shape, "dim"),
        _plain(f"{_symbol(row.severity, ascii_only)} {row.verdict}", look[3]),
        _plain(number(row.grad.norm) if row.grad.accumulated or row.grad.norm else "none"),
        _plain(_update(row)),
        _plain(owners or "none", "" if owners else "dim"),
    )


def _update(row: ParameterReport) -> str:
    value = row.value
    if value.changed is None:
        return "?"
    if not value.changed:
        return "none"
    return number(value.update_norm)
