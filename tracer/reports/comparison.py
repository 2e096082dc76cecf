"""Several runs beside each other on a page: pictures with the differing boxes marked, and the cells that differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.reports.changes import Changes, compare, summary
from tracer.reports.page.assets import fill
from tracer.reports.page.graph import beside
from tracer.reports.side_by_side import CELLS, compared, conclusion, differing
from tracer.reports.words import LOOKS, number
from tracer.traces import Trace

#: title -> what was recorded and what follows from it
Sides = Mapping[str, tuple[Trace, Report]]
SCRIPTS = ("page.js", "view.js")


class Comparison:
    """What the template ``compare.html`` shows of several runs of one program."""

    def __init__(self, sides: Sides, *, links: Mapping[str, str] | None = None, **options: Any) -> None:
        """Lay out one picture per run.

        Args:
            links: title -> address of that run's own page, relative to this one.
            options: ``engine`` and ``depth`` for the pictures.
        """
        reports = {title: report for title, (_, report) in sides.items()}
        rows, _ = differing(reports)
        unlike = {name for name, _, _ in rows}
        self.titles = list(sides)
        self.points = conclusion(reports)
        self.pictures = _pictures(sides, unlike, dict(links or {}), options)
        self.cells = _cells(reports)
        self.differing = [row for row in self.cells if row["differs"]]


def _pictures(sides: Sides, unlike: set[str], links: dict[str, str], options: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for i, (title, (trace, report)) in enumerate(sides.items()):
        marked = [row.leaf for row in report.parameters if row.name in unlike]
        svg = beside(trace, report, marked, f"side{i}", options)
        found.append({"title": title, "svg": svg, "link": links.get(title, ""), "id": f"side{i}"})
    return found


def _cells(reports: Mapping[str, Report]) -> list[dict[str, Any]]:
    """Return every compared cell of every parameter, with one text per run and whether they differ."""
    found = []
    for name, sides in compared(reports).items():
        for cell in CELLS:
            texts = [one.get(cell, "-") for one in sides]
            found.append({"name": name, "cell": cell, "texts": texts, "differs": len(set(texts)) > 1})
    return found


def render_diff(
    before: tuple[Trace, Report], after: tuple[Trace, Report], titles: tuple[str, str], **options: Any
) -> str:
    """Return ``diff.html``: what became worse or better from one trace to another, with both graphs."""
    changes = compare(before[1], after[1])
    return fill(
        "diff.html",
        SCRIPTS,
        titles=titles,
        summary=summary(changes),
        worst="error" if changes.of("worse") else "ok",
        groups=_groups(changes),
        changes=changes,
        pictures=_both(before, after, changes, titles, options),
        page_data={},
    )


def _groups(changes: Changes) -> list[dict[str, Any]]:
    names = {"worse": "Worse", "better": "Better", "other": "Another verdict of the same weight"}
    return [
        {"key": way, "title": title, "rows": [_change(c.name, c.before, c.after) for c in changes.of(way)]}
        for way, title in names.items()
        if changes.of(way)
    ]


def _change(name: str, before: Any, after: Any) -> dict[str, Any]:
    def side(row: Any) -> dict[str, str]:
        return {
            "verdict": row.verdict, "severity": row.severity, "symbol": LOOKS[row.severity][0],
            "norm": "none" if row.grad.norm is None else number(row.grad.norm),
            "update": "none" if not row.value.changed else number(row.value.update_norm),
        }  # fmt: skip

    return {"name": name, "before": side(before), "after": side(after), "message": after.message, "fix": after.fix}


def _both(
    before: tuple[Trace, Report],
    after: tuple[Trace, Report],
    changes: Changes,
    titles: tuple[str, str],
    options: dict[str, Any],
) -> list[dict[str, Any]]:
    changed = {change.name for change in changes.changed}
    alone = ({name for name, _ in changes.only_before}, {name for name, _ in changes.only_after})
    found = []
    for i, (trace, report) in enumerate((before, after)):
        names = report.names()
        marked = [leaf for leaf, name in names.items() if name in changed or name in alone[i]]
        svg = beside(trace, report, marked, f"side{i}", options)
        found.append({"title": f"{'AB'[i]}: {titles[i]}", "svg": svg, "link": "", "id": f"side{i}"})
    return found
