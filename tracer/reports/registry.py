"""The formats of a report: name, file name and the function that renders it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


@dataclass(frozen=True, slots=True)
class Format:
    """One format. The module that renders it is imported when it is used."""

    file: str  #: name of the file in the output folder
    module: str  #: has ``render(trace, report, **options) -> str | bytes``
    what: str  #: one clause for ``--help``

    @property
    def render(self) -> Callable[..., str | bytes]:
        """Return the function ``render(trace, report, **options)``."""
        found: Callable[..., str | bytes] = importlib.import_module(self.module).render
        return found


FORMATS: dict[str, Format] = {
    "text": Format("report.txt", "tracer.reports.text", "the table as plain text"),
    "json": Format("report.json", "tracer.reports.json", "everything, for programs"),
    "svg": Format("graph.svg", "tracer.reports.picture_svg", "the annotated graph"),
    "png": Format("graph.png", "tracer.reports.picture_png", "the annotated graph as pixels"),
    "dot": Format("graph.dot", "tracer.reports.picture_dot", "the annotated graph for Graphviz"),
    "html": Format("report.html", "tracer.reports.html", "one page with all of it"),
    "graphml": Format("graph.graphml", "tracer.reports.graphml", "the whole graph for networkx and others"),
    "nodelink": Format("graph.json", "tracer.reports.nodelink", "the same as node-link JSON"),
    "sarif": Format("report.sarif", "tracer.reports.sarif", "findings for code scanning"),
    "github": Format("annotations.txt", "tracer.reports.github", "notes on lines in a GitHub job"),
    "md": Format("report.md", "tracer.reports.markdown", "a summary for pull requests"),
}


def render(name: str, trace: Trace, report: Report, **options: Any) -> str | bytes:
    """Render one format by name."""
    return FORMATS[name].render(trace, report, **options)
