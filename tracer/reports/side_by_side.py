"""Several reports beside each other: which cells differ, which do not, and what follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.reports.words import clean, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: What is compared of each parameter: title -> how it is read.
CELLS = ("requires_grad", "in optimizer", "grad", "before", "after", "verdict")


def cells(row: ParameterReport) -> dict[str, str]:
    """Return the compared cells of one parameter as short texts."""
    return {
        "requires_grad": str(row.requires_grad),
        "in optimizer": ", ".join(o.name for o in row.optimizers) or "no",
        "grad": _numbers(row.grad.values, row.grad.norm),
        "before": _numbers(row.value.before, None),
        "after": _numbers(row.value.after, None),
        "verdict": row.verdict,
    }


def _numbers(values: object, norm: float | None) -> str:
    if values is None:
        return "None" if norm is None else f"norm {number(norm)}"
    return _show(values)


def _show(values: object) -> str:
    if isinstance(values, (list, tuple)):
        return "[" + ", ".join(_show(value) for value in values) + "]"
    return f"{values:.6g}" if isinstance(values, float) else str(values)


def differing(reports: Mapping[str, Report]) -> tuple[list[tuple[str, str, list[str]]], list[str]]:
    """Return (rows whose cells differ: parameter, cell, text per report) and names where nothing differs."""
    first = next(iter(reports.values()))
    rows: list[tuple[str, str, list[str]]] = []
    same: list[str] = []
    for row in first.parameters:
        others = [next((r for r in report.parameters if r.name == row.name), None) for report in reports.values()]
        texts = [{} if other is None else cells(other) for other in others]
        unlike = [cell for cell in CELLS if len({text.get(cell, "") for text in texts}) > 1]
        rows.extend((row.name, cell, [text.get(cell, "-") for text in texts]) for cell in unlike)
        if not unlike:
            same.append(row.name)
    return rows, same


def conclusion(reports: Mapping[str, Report]) -> list[str]:
    """Return what the comparison shows, in sentences that are computed from the reports."""
    rows, same = differing(reports)
    changed = list(dict.fromkeys(name for name, _, _ in rows))
    lines = [f"Differ: {', '.join(changed) or 'none'}. Everything else is equal in all {len(reports)}."]
    upstream = [name for name in same if _has_gradient(reports, name)]
    if changed and upstream:
        lines.append(
            f"{', '.join(upstream)} get the same gradients every time: whether {_module(changed)} is frozen "
            "does not stop the gradient that flows through it."
        )
    trained = [title for title, report in reports.items() if _trains(report, changed)]
    if trained and len(trained) < len(reports):
        lines.append(
            f"{_module(changed)} trains only in {', '.join(trained)}: a parameter trains only if it requires grad "
            "and an optimizer that steps holds it."
        )
    return lines


def _has_gradient(reports: Mapping[str, Report], name: str) -> bool:
    return all(any(r.name == name and r.grad.accumulated for r in report.parameters) for report in reports.values())


def _module(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(name.rpartition(".")[0] or name for name in names)) or "it"


def _trains(report: Report, names: Sequence[str]) -> bool:
    return all(row.verdict == "updated" for row in report.parameters if row.name in names)


#: Columns from which the runs' own titles stand above their columns; below, letters stand for them.
WIDE = 110


def print_side_by_side(reports: Mapping[str, Report], console: Console) -> None:
    """Print every compared cell with a column per run: parameters that differ, those that do not, what follows."""
    from rich.text import Text

    titles = list(reports)
    if console.width < WIDE:
        letters = [chr(ord("A") + i) for i in range(len(titles))]
        for letter, title in zip(letters, titles, strict=True):
            console.print(Text(f"{letter}: {clean(title, 200)}"), soft_wrap=True)
        titles = letters
    rows = compared(reports)
    unlike = {name for name, sides in rows.items() if any(side != sides[0] for side in sides)}
    for title, wanted in (
        ("What differs", unlike),
        (f"What is equal in all {len(titles)}", rows.keys() - unlike),
    ):
        if wanted:
            console.print(Text(title, style="bold"))
            console.print(_grid(reports, {name: rows[name] for name in rows if name in wanted}, titles))
    for line in conclusion(reports):
        console.print(Text(line, style="bold"), soft_wrap=not console.is_terminal)


def _grid(reports: Mapping[str, Report], rows: Mapping[str, list[dict[str, str]]], titles: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    grid.add_column("parameter", no_wrap=True)
    for title in titles:
        longest = max(len(row.verdict) for report in reports.values() for row in report.parameters)
        grid.add_column(clean(title, 60), min_width=longest)  # a verdict is never broken
    for name, sides in rows.items():
        grid.add_row(Text(clean(name, 60), style="bold"))
        for cell in CELLS:
            texts = [side.get(cell, "-") for side in sides]
            unlike = len(set(texts)) > 1
            shown = texts if unlike else [texts[0], *("=" for _ in texts[1:])]
            style = "yellow" if unlike else ""
            grid.add_row(f"{'≠' if unlike else ' '} {cell}", *(Text(text, style=style) for text in shown))
    return grid


def compared(reports: Mapping[str, Report]) -> dict[str, list[dict[str, str]]]:
    """Return the cells of every parameter, one dict per report; an empty one where a report lacks it."""
    rows: dict[str, list[dict[str, str]]] = {}
    for side, report in enumerate(reports.values()):
        for row in report.parameters:
            rows.setdefault(row.name, [{} for _ in reports])[side] = cells(row)
    return rows
