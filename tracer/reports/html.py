"""``report.html``: one self-contained page: answer, findings, picture, parameters, optimizers, notes.

It works from disk and asks for nothing over a network; its only script is allowed by its hash. All text from
the traced program is escaped by Jinja2.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from tracer.diagnosis.findings import Finding, ParameterReport, Report, Where
from tracer.errors import TracerError
from tracer.reports.words import LOOKS, answer, clean, counts, number, shortened
from tracer.traces import Trace

if TYPE_CHECKING:
    from jinja2 import Environment


def render(trace: Trace, report: Report, **options: Any) -> str:
    """Return the page. Picture options (``engine``, ``depth``, ...) are passed on."""
    picture, problem = _picture(trace, report, options)
    return _fill("report.html", report, picture=picture, picture_problem=problem, title=options.get("title", ""))


def fragment(trace: Trace, report: Report) -> str:
    """Return answer, findings and table for embedding in a notebook cell: no script, no page around it."""
    return _fill("fragment.html", report, picture="", picture_problem="", title="")


def _fill(template: str, report: Report, **more: Any) -> str:
    script, style = _asset("report.js"), _asset("report.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            answer=answer(report),
            worst=_worst(report),
            counts=_counts(report),
            findings=[_finding(report, i, finding) for i, finding in enumerate(report.findings)],
            rows=[_row(report, row, _scale(report)) for row in report.parameters],
            optimizers=_optimizers(report),
            script=script,
            style=style,
            script_hash=f"sha256-{digest}",
            **more,
        )
    )


def _asset(name: str) -> str:
    return resources.files("tracer.reports").joinpath("templates", name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    found = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(clean=clean, number=number)
    return found


def _picture(trace: Trace, report: Report, options: dict[str, Any]) -> tuple[str, str]:
    """Return the SVG without its prologue, and why there is none."""
    from tracer.drawing.picture import svg_text

    given = {key: value for key, value in options.items() if key != "title"}
    try:
        svg = svg_text(trace, report, **given)
    except TracerError as problem:
        return "", str(problem)
    start = svg.find("<svg")
    return svg[start:] if start >= 0 else "", ""


def _worst(report: Report) -> str:
    rows = {row.severity for row in report.parameters} | {f.severity for f in report.findings}
    return next((severity for severity in ("error", "warning") if severity in rows), "ok")


def _counts(report: Report) -> list[dict[str, Any]]:
    severity = {row.verdict: row.severity for row in report.parameters}
    found = [
        {"verdict": name, "count": count, "severity": severity[name], "symbol": LOOKS[severity[name]][0]}
        for name, count in counts(report).most_common()
    ]
    return sorted(found, key=lambda item: list(LOOKS).index(str(item["severity"])))


def _finding(report: Report, index: int, finding: Finding) -> dict[str, Any]:
    everyone = [report.name_of(row.leaf) for row in report.parameters]
    return {
        "id": f"finding-{index}",
        "finding": finding,
        "symbol": LOOKS[finding.severity][0],
        "names": shortened(list(report.names_of(finding)), everyone),
        "count": len(finding.parameters),
        "leaves": " ".join(f"leaf-{leaf}" for leaf in finding.parameters[:200]),
        "where": [_where(where) for where in finding.where[:6]],
    }


def _where(where: Where) -> dict[str, Any]:
    lines = [
        {"number": where.first + i, "text": text, "here": where.first + i == where.line}
        for i, text in enumerate(where.code)
    ]
    return {"where": where, "lines": lines}


def _scale(report: Report) -> tuple[float, float]:
    """Return the least and greatest log10 of gradient norms, for the bars in the table."""
    norms = [row.grad.norm for row in report.parameters if row.grad.norm and math.isfinite(row.grad.norm)]
    logs = [math.log10(norm) for norm in norms if norm > 0]
    return (min(logs), max(logs)) if logs else (0.0, 0.0)


def _row(report: Report, row: ParameterReport, scale: tuple[float, float]) -> dict[str, Any]:
    low, high = scale
    norm = row.grad.norm
    width = 0
    if norm and math.isfinite(norm) and norm > 0:
        width = 100 if high == low else round(8 + 92 * (math.log10(norm) - low) / (high - low))
    return {
        "row": row,
        "name": report.name_of(row.leaf),
        "anchor": f"param-{row.leaf}",
        "symbol": LOOKS[row.severity][0],
        "shape": " × ".join(map(str, row.shape)) or "scalar",
        "bar": width,
        "module": row.name.rpartition(".")[0] or "(root)",
        "rank": list(LOOKS).index(row.severity),
        "where": [_where(where) for where in row.where[:4]],
        "owners": ", ".join(f"{o.name} ({o.cls}, group {o.group}, lr {number(o.lr)})" for o in row.optimizers),
        "details": _details(row),
    }


def _details(row: ParameterReport) -> list[tuple[str, str]]:
    value, grad = row.value, row.grad
    found = [
        ("shape", " × ".join(map(str, row.shape)) or "scalar"),
        ("dtype, device", f"{row.dtype}, {row.device}"),
        ("requires_grad", str(row.requires_grad)),
        ("backwards that accumulated", str(grad.accumulated)),
        ("share of zeros in the gradient", "-" if grad.zero_share is None else f"{grad.zero_share:.1%}"),
        ("changed by", value.changed_by or "nothing"),
        ("update / value", number(value.update_ratio)),
    ]
    for label, numbers in (
        ("gradient", grad.values),
        ("value before", value.before),
        ("value after", value.after),
    ):
        if numbers is not None:
            found.append((label, re.sub(r"\s+", " ", str(numbers))[:600]))
    return found


def _optimizers(report: Report) -> list[dict[str, Any]]:
    """Return optimizers and groups with the number of parameters they hold, in order of appearance."""
    groups: dict[tuple[str, str, int, float | None], int] = {}
    for row in report.parameters:
        for owner in row.optimizers:
            key = (owner.name, owner.cls, owner.group, owner.lr)
            groups[key] = groups.get(key, 0) + 1
    return [
        {"name": name, "cls": cls, "group": group, "lr": number(lr), "count": count}
        for (name, cls, group, lr), count in groups.items()
    ]
