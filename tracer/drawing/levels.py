"""The picture at several depths: each level laid out once, for a reader who opens and closes modules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.drawing.engines import LayoutTimeoutError, lay_out
from tracer.drawing.fitting import Drawing, draw_view, fit
from tracer.drawing.picture import title_of
from tracer.drawing.states import gather
from tracer.drawing.svg import dress
from tracer.graphs.fold import VISIBLE, Ground
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
    seconds: float = 20.0,
    **options: Any,
) -> tuple[Level, ...]:
    """Return the default drawing first, then one per depth at which it looks different, deepest last.

    Args:
        seconds: for all layouts together; levels that would come later are left out.
        options: ``engine``; with ``depth``, ``focus`` or ``expand`` that drawing comes alone; ``only_problems``.

    Raises:
        EngineError: when no engine is there, or the default drawing takes longer than ``seconds``.
    """
    ground, title = Ground(*gather(trace, report)), title_of(trace, report)
    end = time.monotonic() + seconds
    depth = options.get("depth")
    first = fit(ground, title, {**options, "timeout": seconds})
    drawn = [_level("auto" if depth is None else str(depth), first, title)]
    if any(options.get(key) is not None for key in ("depth", "focus", "expand")):
        return tuple(drawn)
    shown = {tuple(sorted(first.view.boxes))}
    for level in range(1, _deepest(ground) + 1):
        if time.monotonic() > end:
            break
        view, dot = draw_view(ground, title, options, {"depth": level})
        boxes = tuple(sorted(view.boxes))
        if boxes in shown or len(boxes) > MOST_BOXES:
            continue
        shown.add(boxes)
        try:
            left = max(0.5, end - time.monotonic())
            svg = lay_out(dot, "svg", engine=options.get("engine"), timeout=left).decode("utf-8")
        except LayoutTimeoutError:
            break
        drawn.append(_level(str(level), Drawing(view, dot, svg), title))
    return tuple(drawn)


def _deepest(ground: Ground) -> int:
    return max((len(path) for path in ground.tree.module_path.values() if len(path) > 1), default=1)


def _level(name: str, drawing: Drawing, title: Sequence[str]) -> Level:
    svg = dress(drawing.svg, "auto", title)
    return Level(name, svg[svg.index("<svg") :], dict(drawing.view.leaf_boxes), len(drawing.view.boxes))
