"""``graph.dot``: the annotated graph as DOT text; needs no layout engine."""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the DOT text."""
    from tracer.drawing.picture import dot_text

    options.pop("engine", None)
    return dot_text(trace, report, **options)
