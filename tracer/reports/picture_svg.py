"""``graph.svg``: the annotated graph, laid out."""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the SVG. Options are those of ``tracer.drawing.picture.svg_text``."""
    from tracer.drawing.picture import svg_text

    return svg_text(trace, report, **options)
