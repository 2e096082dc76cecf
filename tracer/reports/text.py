"""The answer in a terminal: one sentence, findings with their lines, then the table of parameters."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from tracer.diagnosis.findings import Finding, Report, Where
from tracer.reports.text_table import table
from tracer.reports.words import LOOKS, ROLES, answer, clean, dedented, short_file, shortened
from tracer.traces import Trace

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: Places shown per finding; the page shows all.
PLACES = 3
#: Roles that tell where a thing comes from, not what is wrong with it: shown when there is nothing else.
_BACKGROUND = ("made", "reentry", "backward", "step")


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the report as plain text, 100 columns wide, with every parameter."""
    buffer = io.StringIO()
    print_report(report, plain_console(buffer, 100), verbose=True)
    return "".join(f"{line.rstrip()}\n" for line in buffer.getvalue().splitlines())


def plain_console(file: TextIO, width: int) -> Console:
    """Return a console that writes text and nothing else to a file, also inside a notebook."""
    from rich.console import Console

    return Console(file=file, width=width, no_color=True, highlight=False, force_terminal=False, force_jupyter=False)


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the answer, the findings and the table.

    Args:
        verbose: list every parameter and every info.
    """
    ascii_only = not _can_show(console)
    names = report.names()
    _show(console, _headline(report, ascii_only))
    for finding in report.findings:
        if finding.severity != "info" or verbose:
            console.print()
            for line in _finding(finding, names, ascii_only):
                _show(console, line)
    if report.parameters:
        console.print()
        console.print(table(report, width=console.width, ascii_only=ascii_only, verbose=verbose))
    hidden = [f for f in report.findings if f.severity == "info" and not verbose]
    for finding in hidden[:PLACES]:
        who = ", ".join(_whom(finding, names))
        _show(console, _plain(f"info {finding.code} {finding.name}  {who}: {clean(finding.message)}"))
    if len(hidden) > PLACES:
        _show(console, _plain(f"and {len(hidden) - PLACES} more of severity info", "dim"))
    for note in report.notes:
        _show(console, _plain(f"note: {clean(note)}"))


def _show(console: Console, line: Text) -> None:
    """Print a line: wrapped at words under its own indent in a terminal, whole in a pipe."""
    from rich.padding import Padding

    indent = len(line.plain) - len(line.plain.lstrip(" "))
    if not console.is_terminal or not console.width or "│" in line.plain[:10] or "|" in line.plain[:10]:
        console.print(line, soft_wrap=True)
    else:
        console.print(Padding(line[indent:], (0, 0, 0, indent)))


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


def _whom(finding: Finding, names: Mapping[int, str]) -> list[str]:
    own = [clean(names.get(leaf, f"leaf {leaf}"), 120) for leaf in finding.parameters]
    return shortened(own, [clean(name, 120) for name in names.values()])


def _finding(finding: Finding, names: Mapping[int, str], ascii_only: bool) -> Iterator[Text]:
    look = LOOKS[finding.severity]
    title = _plain(f"{_symbol(finding.severity, ascii_only)} {finding.code} {finding.name}", f"bold {look[3]}")
    title.append(f"  {', '.join(_whom(finding, names))}", style="bold")
    if finding.confidence != "certain":
        title.append("  (probable)", style="dim")
    yield title
    yield _plain(f"  {clean(finding.message)}")
    for where in telling(finding.where):
        yield from _place(where, ascii_only)
    if finding.fix:
        yield _plain(f"  Fix: {clean(finding.fix)}", "green")


def telling(where: tuple[Where, ...]) -> tuple[Where, ...]:
    """Return the few places that tell what is wrong; the first one always."""
    return tuple(one for i, one in enumerate(where) if i == 0 or one.role not in _BACKGROUND)[:PLACES]


def _place(where: Where, ascii_only: bool) -> Iterator[Text]:
    role = f"  ({ROLES.get(where.role, where.role)})" if where.role else ""
    yield _plain(f"  {clean(short_file(where.file), 200)}:{where.line} in {clean(where.function, 120)}{role}", "cyan")
    for offset, code in enumerate(dedented(where.code)):
        at = where.first + offset
        here = at == where.line
        mark = (">" if ascii_only else "❯") if here else " "
        yield _plain(f"  {mark}{at:>5} {'|' if ascii_only else '│'} {clean(code, 110)}", "" if here else "dim")
