"""The picture at several depths: each level laid out once, for a reader who opens and closes modules."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tracer.diagnosis.findings import Report
from tracer.drawing.dot import dot_text
from tracer.drawing.engines import LayoutTimeoutError, lay_out
from tracer.drawing.picture import dress, title_of
from tracer.drawing.states import gather
from tracer.graphs.fold import VISIBLE, fold_view
from tracer.graphs.items import View
from tracer.traces import Trace

#: A level with more boxes than this is left out: nobody reads it, and it takes seconds to lay out.
MOST_BOXES = 3 * VISIBLE


@dataclass(frozen=True, slots=True)
class Level:
    """One drawing of the graph."""

    name: str  #: "auto" (healthy regions closed), or the number of module levels that are open
    svg: str  #: without XML prologue
    leaf_boxes: dict[int, str]  #: leaf key -> id of the box in the SVG that shows it
    boxes: int


def draw_levels(
    trace: Trace,
    report: Report | None,
    *,
    engine: str | None = None,
    depth: int | None = None,
    seconds: float = 20.0,
) -> tuple[Level, ...]:
    """Return the default drawing first, then one per depth at which it looks different, deepest last.

    Args:
        depth: draw this depth only.
        seconds: for all layouts together; levels that would come later are left out.

    Raises:
        EngineError: when no engine is there, or the default drawing takes longer than ``seconds``.
    """
    merged, states = gather(trace, report)
    deepest = max((seen.path.count(".") + 2 for seen in merged.modules.values() if seen.path), default=1)
    wanted = [depth] if depth is not None else [None, *range(1, deepest + 1)]
    end = time.monotonic() + seconds
    drawn: list[Level] = []
    shown: set[tuple[str, ...]] = set()
    for level in wanted:
        view = fold_view(merged, states, depth=level)
        boxes = tuple(sorted(view.boxes))
        if drawn and (boxes in shown or len(boxes) > MOST_BOXES):
            continue
        shown.add(boxes)
        try:
            drawn.append(_lay_out(level, view, trace, report, engine, end))
        except LayoutTimeoutError:
            if not drawn:
                raise
            break
    return tuple(drawn)


def _lay_out(
    level: int | None, view: View, trace: Trace, report: Report | None, engine: str | None, end: float
) -> Level:
    dot = dot_text(view, title_of(trace, report))
    left = max(0.5, end - time.monotonic())
    svg = dress(lay_out(dot, "svg", engine=engine, timeout=left).decode("utf-8"), "auto", title_of(trace, report))
    name = "auto" if level is None else str(level)
    return Level(name, svg[svg.index("<svg") :], dict(view.leaf_boxes), len(view.boxes))
