"""The way of one parameter's gradient as text: from the loss, operation by operation, to where it arrives or stops."""

from __future__ import annotations

from collections.abc import Iterator

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.events import CutFound
from tracer.graphs.merged import Merged, merge_graphs
from tracer.graphs.paths import Route, routes_to
from tracer.reports.words import clean, number, short_file
from tracer.traces import Trace

#: Operations shown at either end of a long way.
ENDS = 12
#: Ways shown, one per backward.
ROUTES = 3


def route_lines(trace: Trace, report: Report, row: ParameterReport, merged: Merged | None = None) -> Iterator[str]:
    """Yield the ways as lines; nothing when no graph was recorded.

    Args:
        merged: the trace's graphs, where they are at hand.
    """
    merged = merged or merge_graphs(trace)
    routes = routes_to(merged, row.leaf)
    name = clean(report.name_of(row.leaf), 200)
    if not routes and merged.roots:
        yield ""
        yield f"path of the gradient: none; no recorded graph leads to {name}"
    for route in routes[:ROUTES]:
        yield ""
        yield from _route(merged, route, name, row)
    if len(routes) > ROUTES:
        yield f"  and {len(routes) - ROUTES} more, from other backwards"


def _route(merged: Merged, route: Route, name: str, row: ParameterReport) -> Iterator[str]:
    start = route.start
    value = "" if start.root_value is None else f" = {start.root_value:.4g}"
    at = _spot(merged, start.place)
    yield f"path of the gradient, from the loss{value}{f' ({start.call} at {at})' if at else ''}:"
    steps = [i for i in route.nodes if merged.nodes[i].leaf is None]
    texts = [_operation(merged, i) for i in steps]
    width = min(48, max((len(text) for text in texts), default=0))
    hidden = len(steps) - 2 * ENDS
    for position, (node, text) in enumerate(zip(steps, texts, strict=True)):
        if hidden > 1 and ENDS <= position < len(steps) - ENDS:
            if position == ENDS:
                yield f"    ... {hidden} more operations ..."
            continue
        yield f"    {text:<{width}}  {_gradient(merged, node)}"
    yield from _end(merged, route.cut, name, row)


def _operation(merged: Merged, index: int) -> str:
    node = merged.nodes[index]
    module = None if node.module is None else merged.modules.get(node.module)
    inside = f" in {clean(module.path, 60)}" if module is not None and module.path else ""
    name = node.name.rpartition("::")[2].partition("Backward")[0] or node.name
    return f"{clean(name, 40)}{inside}"


def _gradient(merged: Merged, index: int) -> str:
    norm, spot = merged.norms[index], _spot(merged, merged.nodes[index].place)
    told = "gradient not measured" if norm is None else f"gradient {number(norm)}"
    bad = merged.culprits.get(index)
    return f"{told:<22}{spot}{f'  <- it becomes {bad} here' if bad in ('zero', 'nan', 'inf') else ''}".rstrip()


def _end(merged: Merged, cut: CutFound | None, name: str, row: ParameterReport) -> Iterator[str]:
    if cut is None:
        told = "none accumulated" if not row.grad.accumulated else f"gradient {number(row.grad.norm)}"
        yield f"  arrives at {name}: {told}"
        return
    spot = _spot(merged, cut.block if cut.block is not None else cut.place)
    sure = "" if cut.certain else " (probable)"
    yield f"  STOPS: {clean(cut.op, 60)}{f' at {spot}' if spot else ''}{sure}; {name} lies behind it"


def _spot(merged: Merged, place: int | None) -> str:
    seen = None if place is None else merged.places.get(place)
    return "" if seen is None else f"{clean(short_file(seen.file), 120)}:{seen.line}"
