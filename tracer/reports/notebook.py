"""What a notebook shows: the picture and the table, without a running server."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.errors import TracerError
from tracer.traces import Trace


@dataclass(frozen=True, slots=True)
class ShownReport(Report):
    """A report that a notebook shows with the annotated picture of its trace."""

    trace: Trace = field(default_factory=Trace, repr=False, compare=False)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what a notebook shows."""
        return mimebundle(self.trace, self)


def shown(trace: Trace, report: Report) -> ShownReport:
    """Return the report as one that a notebook shows with its picture."""
    return ShownReport(**{one.name: getattr(report, one.name) for one in fields(Report) if one.init}, trace=trace)


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
