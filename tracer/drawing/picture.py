"""The annotated picture of a trace: view, DOT, layout, and more folding where it is too slow or too large."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracer.diagnosis.findings import SEVERITIES, Report
from tracer.drawing.dot import dot_text as dot_of
from tracer.drawing.engines import LayoutTimeoutError, lay_out
from tracer.drawing.states import gather
from tracer.drawing.style import LOOKS
from tracer.drawing.svg import dress, size_of
from tracer.errors import UsageError
from tracer.events import ModelSeen
from tracer.graphs.fold import VISIBLE, fold_view
from tracer.graphs.items import LeafState
from tracer.graphs.merged import Merged
from tracer.traces import Trace

__all__ = ["dot_text", "draw", "dress", "svg_text", "title_of"]

#: Boxes aimed at, one try after the other.
_TRIES = (VISIBLE, 80, 60, 44, 34, 26, 20, 14, 8)
#: Points that a laptop shows at a readable size: its width, and a few screens down.
_WIDEST, _TALLEST = 1150.0, 1900.0
#: Seconds for all layouts of one picture.
_SECONDS = 3.0


def draw(trace: Trace, report: Report | None, path: str | Path, **options: Any) -> Path:
    """Draw to a file; its suffix chooses the format: ``.svg``, ``.png`` or ``.dot`` (``.gv``).

    Options: ``engine``, ``theme`` ("auto", "light", "dark"), ``depth``, ``focus``, ``expand``,
    ``only_problems``, ``timeout`` in seconds for the layout, ``rankdir``.

    Raises:
        UsageError: for another suffix.
        EngineError: when no layout engine is there (DOT needs none).
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind in ("dot", "gv"):
        path.write_text(dot_text(trace, report, **options), encoding="utf-8")
    elif kind == "svg":
        path.write_text(svg_text(trace, report, **options), encoding="utf-8")
    elif kind == "png":
        path.write_bytes(png_bytes(trace, report, **options))
    else:
        raise UsageError(f"cannot draw to {path.name!r}.", "Give a name that ends in .svg, .png or .dot.")
    return path


def dot_text(trace: Trace, report: Report | None, **options: Any) -> str:
    """Return the DOT of the picture; needs no layout engine. Options as for ``draw``."""
    return _dot(*gather(trace, report), title_of(trace, report), options, VISIBLE, "")


def svg_text(trace: Trace, report: Report | None, **options: Any) -> str:
    """Return the SVG of the picture. Options as for ``draw``."""
    svg, _ = _laid_out(trace, report, options)
    return dress(svg, options.get("theme", "auto"), title_of(trace, report))


def png_bytes(trace: Trace, report: Report | None, **options: Any) -> bytes:
    """Return the picture as PNG. Options as for ``draw``."""
    _, dot = _laid_out(trace, report, options)
    return lay_out(dot, "png", engine=options.get("engine"), timeout=float(options.get("timeout", 20.0)))


def _laid_out(trace: Trace, report: Report | None, options: Mapping[str, Any]) -> tuple[str, str]:
    """Return the SVG and the DOT of the first try that is quick and small enough, else of the smallest.

    The layout is given ``_SECONDS`` in all; a try that takes longer is ended and the picture is folded further.
    Only the last try may take the whole ``timeout``, so that there is a picture on a slow machine too.
    """
    (merged, states), title = gather(trace, report), title_of(trace, report)
    timeout = float(options.get("timeout", 20.0))
    chosen = any(options.get(key) is not None for key in ("depth", "focus", "expand"))
    end = time.monotonic() + min(_SECONDS, timeout)
    note, last, best = "", "", ("", "")
    for visible in _TRIES:
        dot = _dot(merged, states, title, options if not note else {}, visible, note)
        if dot == last:
            continue
        last, left = dot, timeout if chosen else max(0.2, end - time.monotonic())
        try:
            svg = lay_out(dot, "svg", engine=options.get("engine"), timeout=left).decode("utf-8")
        except LayoutTimeoutError:
            if best[0]:
                break
            note, chosen = "the layout took too long, so the picture is folded further", False
            continue
        if not best[0] or _excess(svg) < _excess(best[0]):
            best = (svg, dot)
        if chosen or _excess(svg) <= 1.0:
            break
    if not best[0]:
        best = (lay_out(last, "svg", engine=options.get("engine"), timeout=timeout).decode("utf-8"), last)
    return best


def _excess(svg: str) -> float:
    """Return how many times larger a picture is than what can be read; at most 1 is fine."""
    width, height = size_of(svg)
    return max(width / _WIDEST, height / _TALLEST)


def _dot(
    merged: Merged,
    states: Mapping[int, LeafState],
    title: Sequence[str],
    options: Mapping[str, Any],
    visible: int,
    note: str,
) -> str:
    keys = ("depth", "focus", "expand", "only_problems")
    wanted = {key: options[key] for key in keys if options.get(key) is not None}
    view = fold_view(merged, states, visible=visible, **wanted)
    if note:
        view.notes.append(note)
    return dot_of(view, title, rankdir=options.get("rankdir", "TB"))


def title_of(trace: Trace, report: Report | None) -> Sequence[str]:
    """Return the lines above the picture: what ran, and how many leaves are in which state."""
    models = list(dict.fromkeys(model.cls for model in trace.of(ModelSeen)))[:3]
    name = trace.header.program or ", ".join(models) or "autograd graph"
    if report is None:
        return [name]
    counts = Counter((row.verdict, row.severity) for row in report.parameters)
    told = "    ".join(
        f"{_sign(verdict, severity)} {count} {verdict.replace('_', ' ')}"
        for (verdict, severity), count in sorted(
            counts.items(), key=lambda item: (-item[1], SEVERITIES.index(item[0][1]))
        )
    )
    many = len(report.parameters)
    return [name, f"{many} parameter{'' if many == 1 else 's'}:    {told}" if many else "no parameters"]


def _sign(verdict: str, severity: str) -> str:
    return LOOKS["leaf-frozen" if verdict == "frozen" else f"leaf-{severity}"].sign
