"""A drawing that fits: folded until the layout is quick and the picture can be read on a laptop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.drawing.dot import dot_text
from tracer.drawing.engines import LayoutTimeoutError, lay_out
from tracer.drawing.svg import size_of
from tracer.graphs.fold import VISIBLE, Ground, fold_ground
from tracer.graphs.items import View

#: Boxes aimed at, one try after the other.
_TRIES = (VISIBLE, 80, 60, 44, 34, 26, 20, 14, 8)
#: Points that a laptop shows at a readable size: its width, and a few screens down.
WIDEST, TALLEST = 1150.0, 1900.0
#: Seconds for all layouts of one drawing.
SECONDS = 3.0
#: What the reader may choose; with one of the first three the size is the reader's choice too.
CHOICES = ("depth", "focus", "expand", "only_problems")
_TOO_SLOW = "the layout took too long, so the picture is folded further"


@dataclass(frozen=True, slots=True)
class Drawing:
    """One view, laid out."""

    view: View
    dot: str
    svg: str

    @property
    def excess(self) -> float:
        """How many times larger it is than what can be read; at most 1 is fine."""
        width, height = size_of(self.svg)
        return max(width / WIDEST, height / TALLEST)


def fit(ground: Ground, title: Sequence[str], options: Mapping[str, Any]) -> Drawing:
    """Return the first drawing that is quick and small enough, else the smallest.

    All layouts together get ``SECONDS``; one that takes longer is ended and the picture is folded further, with a
    note. Only the last gets the whole ``timeout``, so that there is a picture on a slow machine too.

    Raises:
        LayoutTimeoutError: when even the last takes longer.
        EngineError: when no engine is there, or it fails.
    """
    timeout, engine = float(options.get("timeout", 20.0)), options.get("engine")
    wanted = {key: options[key] for key in CHOICES if options.get(key) is not None}
    chosen = bool(wanted.keys() & set(CHOICES[:3]))
    end = time.monotonic() + min(SECONDS, timeout)
    note, last = "", ""
    best: Drawing | None = None
    for visible in _TRIES:
        view, dot = draw_view(ground, title, options, wanted, visible, note)
        if dot == last:
            continue
        last, left = dot, timeout if chosen else max(0.2, end - time.monotonic())
        try:
            drawing = Drawing(view, dot, lay_out(dot, "svg", engine=engine, timeout=left).decode("utf-8"))
        except LayoutTimeoutError:
            if best is not None:
                break
            note, chosen, wanted = _TOO_SLOW, False, {}
            continue
        if best is None or drawing.excess < best.excess:
            best = drawing
        if chosen or drawing.excess <= 1.0:
            break
    if best is None:
        best = Drawing(view, last, lay_out(last, "svg", engine=engine, timeout=timeout).decode("utf-8"))
    return best


def draw_view(
    ground: Ground,
    title: Sequence[str],
    options: Mapping[str, Any],
    wanted: Mapping[str, Any],
    visible: int = VISIBLE,
    note: str = "",
) -> tuple[View, str]:
    """Return one folding as view and DOT, not laid out."""
    view = fold_ground(ground, visible=visible, **wanted)
    if note:
        view.notes.append(note)
    return view, dot_text(view, title, rankdir=options.get("rankdir", "TB"))
