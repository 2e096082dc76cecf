"""What a notebook shows: the picture and the table, without a running server."""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Report
from tracer.errors import TracerError
from tracer.traces import Trace


def mimebundle(trace: Trace, report: Report) -> dict[str, Any]:
    """Return HTML, SVG (where a layout engine is there) and plain text."""
    from tracer.reports import html, text

    bundle: dict[str, Any] = {
        "text/plain": text.render(trace, report),
        "text/html": html.fragment(trace, report),
    }
    try:
        from tracer.drawing.picture import svg_text

        bundle["image/svg+xml"] = svg_text(trace, report)
    except TracerError:
        pass  # no layout engine: table and text say everything but the picture
    return bundle
