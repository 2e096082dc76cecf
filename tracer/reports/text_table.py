"""The table of parameters in a terminal: it fits the width, breaks no name, and sums up what is alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.reports.words import LOOKS, clean, elide, number

if TYPE_CHECKING:
    from rich.table import Table

#: Rows before parameters that are alike are put together.
ROWS = 40
#: Columns that a name should have at least; other columns give way for it.
NAME = 34


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table as texts."""

    name: str
    shape: str
    verdict: str
    severity: str
    grad: str
    update: str
    owner: str


def table(report: Report, *, width: int = 100, ascii_only: bool = False, verbose: bool = False) -> Table:
    """Return the table of parameters in the order of the model.

    Args:
        width: columns of the terminal.
        verbose: one row per parameter, however many there are.
    """
    names = report.names()
    rows = list(report.parameters)
    alike = [[row] for row in rows] if verbose or len(rows) <= ROWS else _groups(rows, names)
    lines = [_line(group, names, ascii_only) for group in alike]
    return _grid(lines, width, ascii_only)


def _groups(rows: list[ParameterReport], names: Mapping[int, str]) -> list[list[ParameterReport]]:
    """Return rows of one verdict and module together, with modules as deep as fits."""
    deepest = max(names[row.leaf].count(".") for row in rows)
    for depth in range(deepest, -1, -1):
        found: dict[tuple[str, str], list[ParameterReport]] = {}
        for row in rows:
            prefix = ".".join(names[row.leaf].split(".")[:-1][:depth])
            found.setdefault((prefix, row.verdict), []).append(row)
        if len(found) <= ROWS:
            break
    return list(found.values())


def _line(group: list[ParameterReport], names: Mapping[int, str], ascii_only: bool) -> Line:
    row = group[0]
    return Line(
        _name([names[one.leaf] for one in group]),
        _shape(row, ascii_only) if len(group) == 1 else "",
        f"{LOOKS[row.severity][1 if ascii_only else 0]} {row.verdict}",
        row.severity,
        _span(one.grad.norm for one in group),
        "?"
        if row.value.changed is None
        else _span(one.value.update_norm if one.value.changed else None for one in group),
        _owner(group),
    )


def _name(names: list[str]) -> str:
    if len(names) == 1:
        return clean(names[0], 200)
    parts = [name.split(".")[:-1] for name in names]
    same = 0
    while all(len(part) > same and part[same] == parts[0][same] for part in parts):
        same += 1
    prefix = "".join(f"{part}." for part in parts[0][:same])
    return clean(f"{prefix}* ({len(names)})", 200)


def _shape(row: ParameterReport, ascii_only: bool) -> str:
    return ("x" if ascii_only else "×").join(map(str, row.shape)) or "scalar"


def _span(values: Iterable[float | None]) -> str:
    every = list(values)
    found = [value for value in every if value is not None]
    if not found:
        return "none"
    low, high = min(found), max(found)
    text = number(low) if low == high else f"{number(low, 2)}..{number(high, 2)}"
    return text if len(found) == len(every) else f"{text} or none"


def _owner(group: list[ParameterReport]) -> str:
    texts = dict.fromkeys(
        ", ".join(f"{clean(o.name, 30)}[{o.group}] lr {number(o.lr)}" for o in row.optimizers) or "none"
        for row in group
    )
    return next(iter(texts)) if len(texts) == 1 else f"{len(texts)} kinds"


def _grid(lines: list[Line], width: int, ascii_only: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown, room = _columns(lines, width)
    grid = Table(box=box.ASCII if ascii_only else box.SIMPLE_HEAD, expand=False, padding=(0, 1), pad_edge=False)
    for title in shown:
        right = title in ("grad", "update")
        grid.add_column(title, justify="right" if right else "left", no_wrap=True, overflow="ellipsis")
    for line in lines:
        texts = {
            "parameter": Text(elide(line.name, room, "..." if ascii_only else "…")),
            "shape": Text(line.shape, style="dim"),
            "verdict": Text(line.verdict, style=LOOKS[line.severity][3]),
            "grad": Text(line.grad),
            "update": Text(line.update),
            "optimizer": Text(line.owner, style="dim" if line.owner == "none" else ""),
        }
        grid.add_row(*(texts[title] for title in shown))
    return grid


def _columns(lines: list[Line], width: int) -> tuple[list[str], int]:
    """Return the columns that fit, and how many characters a name may have."""
    widths = {
        "shape": max((len(line.shape) for line in lines), default=0),
        "verdict": max((len(line.verdict) for line in lines), default=0),
        "grad": max((len(line.grad) for line in lines), default=0),
        "update": max((len(line.update) for line in lines), default=0),
        "optimizer": max((len(line.owner) for line in lines), default=0),
    }
    longest = max((len(line.name) for line in lines), default=0)
    wanted = min(longest, NAME)
    shown = ["parameter", *widths]
    for leaves in ("", "shape", "optimizer", "update", "grad"):
        shown = [title for title in shown if title != leaves]
        taken = sum(max(widths[title], len(title)) + 3 for title in shown[1:])
        room = width - taken - 3
        if room >= (longest if leaves == "" else wanted):
            break
    return shown, max(8, min(room, longest))
