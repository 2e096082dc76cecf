"""``graph.json``: the whole graph, unfolded, as node-link JSON for networkx, D3 and others."""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the JSON text."""
    from tracer.graphs.build import build_graph
    from tracer.graphs.export import node_link_text

    return node_link_text(build_graph(trace))
