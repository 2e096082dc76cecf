"""The annotated picture of a trace: view, DOT, layout, and more folding where it is too slow or too large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tracer.diagnosis.findings import SEVERITIES, Report
from tracer.drawing.engines import lay_out
from tracer.drawing.fitting import CHOICES, draw_view, fit
from tracer.drawing.states import gather
from tracer.drawing.style import LOOKS
from tracer.drawing.svg import dress
from tracer.errors import UsageError
from tracer.events import ModelSeen
from tracer.graphs.fold import Ground
from tracer.traces import Trace

__all__ = ["dot_text", "draw", "dress", "svg_text", "title_of"]


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
    wanted = {key: options[key] for key in CHOICES if options.get(key) is not None}
    _, dot = draw_view(Ground(*gather(trace, report)), title_of(trace, report), options, wanted)
    return dot


def svg_text(trace: Trace, report: Report | None, **options: Any) -> str:
    """Return the SVG of the picture. Options as for ``draw``."""
    title = title_of(trace, report)
    drawing = fit(Ground(*gather(trace, report)), title, options)
    return dress(drawing.svg, options.get("theme", "auto"), title)


def png_bytes(trace: Trace, report: Report | None, **options: Any) -> bytes:
    """Return the picture as PNG. Options as for ``draw``."""
    drawing = fit(Ground(*gather(trace, report)), title_of(trace, report), options)
    return lay_out(drawing.dot, "png", engine=options.get("engine"), timeout=float(options.get("timeout", 20.0)))


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
