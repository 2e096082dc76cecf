"""``report.html``: one self-contained page: answer, findings, picture, charts, parameters, optimizers, notes.

It works from disk and asks for nothing over a network; its only scripts are allowed by their hashes. All text
from the traced program is escaped by Jinja2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracer.diagnosis.findings import Report
from tracer.reports.flow import flows
from tracer.reports.page.assets import fill
from tracer.reports.page.cards import finding_cards, optimizer_groups, verdict_counts, worst_of
from tracer.reports.page.cell import bare, cell_style
from tracer.reports.page.charts import charts, numbers
from tracer.reports.page.graph import picture
from tracer.reports.page.library import plotly
from tracer.reports.page.rows import module_names, optimizer_names, paths, row_anchors, table_rows
from tracer.reports.words import answer
from tracer.traces import Trace

if TYPE_CHECKING:
    from tracer.reports.comparison import Comparison

#: Rows of the table in a notebook cell, worst first.
CELL_ROWS = 100
SCRIPTS = ("page.js", "table.js", "view.js", "graph.js", "charts.js")


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the page.

    Options: ``engine`` and ``depth`` for the picture, ``title``, ``charts`` (False leaves them out),
    ``side_by_side`` (a ``Comparison``, shown above the findings and in place of charts).
    """
    comparison: Comparison | None = options.get("side_by_side")
    drawn = picture(trace, report, options)
    flow = flows(trace, report) if options.get("charts", comparison is None) else None
    shown = [] if flow is None else charts(flow)
    library = plotly() if shown else None
    return fill(
        "report.html",
        SCRIPTS,
        [library.hash] if library is not None else [],
        title=options.get("title") or report.header.program or "Gradient report",
        drawn=drawn,
        charts=shown,
        chart_numbers=numbers(flow) if flow is not None and shown else [],
        library=library,
        comparison=comparison,
        optimizers=optimizer_groups(report),
        paths=paths(trace, report),
        **_tables(report),
    )


def fragment(trace: Trace, report: Report) -> str:
    """Return answer, picture, findings and table for a notebook cell: no script, no page around it.

    Nothing in it has an id: several cells stand on one page.
    """
    drawn = picture(trace, report, {})
    shown = _tables(report)
    rows = sorted(shown["rows"], key=lambda item: item["rank"])
    shown["rows"] = rows[:CELL_ROWS]
    left_out = len(rows) - len(shown["rows"])
    svg = bare(drawn["levels"][0]["svg"]) if drawn["levels"] else ""
    text = fill("fragment.html", (), drawn=drawn, svg=svg, left_out=left_out, **{**shown, "style": cell_style()})
    return re.sub(r' (?:id|aria-labelledby)="[^"]*"', "", text)


def _tables(report: Report) -> dict[str, Any]:
    names = report.names()
    anchors = row_anchors(report, names)
    return {
        "report": report,
        "answer": answer(report),
        "worst": worst_of(report),
        "counts": verdict_counts(report),
        "findings": finding_cards(report, names),
        "rows": table_rows(report, names, anchors),
        "modules": module_names(report),
        "optimizer_names": optimizer_names(report),
        "page_data": {"anchors": {str(leaf): anchor for leaf, anchor in anchors.items()}},
    }
