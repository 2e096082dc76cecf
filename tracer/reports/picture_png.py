"""``graph.png``: the annotated graph as pixels, by the layout engine."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


def render(trace: Trace, report: Report, **options: Any) -> bytes:
    """Return the PNG."""
    from tracer.drawing.picture import draw

    with tempfile.TemporaryDirectory() as folder:
        return Path(draw(trace, report, Path(folder, "graph.png"), **options)).read_bytes()
