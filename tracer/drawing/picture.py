"""The annotated picture of a trace: view, DOT, layout, and a second try with more folding when it is too slow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.drawing.dot import dot_text as dot_of
from tracer.drawing.engines import LayoutTimeoutError, lay_out
from tracer.drawing.states import leaf_states
from tracer.drawing.style import stylesheet
from tracer.errors import UsageError
from tracer.graphs.fold import VISIBLE, fold_view
from tracer.graphs.items import View
from tracer.graphs.merged import Merged, merge_graphs
from tracer.traces import Trace

#: Boxes aimed at, one try after the other.
_TRIES = (VISIBLE, 50, 15)


def draw(trace: Trace, report: Report | None, path: str | Path, **options: Any) -> Path:
    """Draw to a file; its suffix chooses the format: ``.svg``, ``.png`` or ``.dot`` (``.gv``).

    Options: ``engine``, ``theme`` ("auto", "light", "dark"), ``depth``, ``focus``, ``expand``,
    ``only_problems``, ``timeout`` in seconds, ``rankdir``.

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
        path.write_bytes(_laid_out(trace, report, "png", options))
    else:
        raise UsageError(f"cannot draw to {path.name!r}.", "Give a name that ends in .svg, .png or .dot.")
    return path


def dot_text(trace: Trace, report: Report | None, **options: Any) -> str:
    """Return the DOT of the picture; needs no layout engine. Options as for ``draw``."""
    merged = merge_graphs(trace)
    return dot_of(
        _view(merged, trace, report, options, VISIBLE),
        title_of(trace, report),
        rankdir=options.get("rankdir", "TB"),
    )


def svg_text(trace: Trace, report: Report | None, **options: Any) -> str:
    """Return the SVG of the picture. Options as for ``draw``."""
    svg = _laid_out(trace, report, "svg", options).decode("utf-8")
    return dress(svg, options.get("theme", "auto"))


def _laid_out(trace: Trace, report: Report | None, kind: str, options: dict[str, Any]) -> bytes:
    merged = merge_graphs(trace)
    timeout = float(options.get("timeout", 20.0))
    note = ""
    for visible in _TRIES:
        view = _view(merged, trace, report, options, visible)
        if note:
            view.notes.append(note)
        dot = dot_of(view, title_of(trace, report), rankdir=options.get("rankdir", "TB"))
        try:
            return lay_out(dot, kind, engine=options.get("engine"), timeout=timeout)
        except LayoutTimeoutError:
            note = f"the layout took more than {timeout:g} s, so the picture is folded further"
            if visible == _TRIES[-1]:
                raise
    raise AssertionError("unreachable")


def _view(merged: Merged, trace: Trace, report: Report | None, options: dict[str, Any], visible: int) -> View:
    wanted = {
        key: options[key] for key in ("depth", "focus", "expand", "only_problems") if options.get(key) is not None
    }
    if visible != VISIBLE:
        wanted.pop("depth", None)
        wanted.pop("expand", None)
    return fold_view(merged, leaf_states(trace, report), visible=visible, **wanted)


def title_of(trace: Trace, report: Report | None) -> Sequence[str]:
    """Return the lines above the picture."""
    if report is None:
        return [trace.header.program or "autograd graph"]
    counts = Counter(row.verdict for row in report.parameters)
    told = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.most_common())
    return [f"{trace.header.program or 'autograd graph'}: {len(report.parameters)} parameters: {told or 'none'}"]


def dress(svg: str, theme: str) -> str:
    """Put the stylesheet for the theme into an SVG; colours in attributes stay as a fallback."""
    if theme not in ("auto", "light", "dark"):
        raise UsageError(f"theme is {theme!r}.", "It may be 'auto', 'light' or 'dark'.")
    start = svg.find("<svg")
    head, body = svg[:start], svg[start:]
    head = "".join(re.findall(r"<\?xml.*?\?>", head)) + "\n" if "<?xml" in head else ""
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL)
    end = body.index(">") + 1
    return f"{head}{body[:end]}\n<style>{stylesheet(theme)}</style>{body[end:]}"
