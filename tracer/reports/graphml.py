"""``graph.graphml``: the whole graph, unfolded, for networkx, yEd or Gephi."""

from __future__ import annotations

from typing import Any

from tracer.diagnosis.findings import Report
from tracer.traces import Trace


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the GraphML text."""
    from tracer.graphs.build import build_graph
    from tracer.graphs.export import graphml_text

    return graphml_text(build_graph(trace))
