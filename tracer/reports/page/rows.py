"""The table of parameters: one row each, with what its details show."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tracer.diagnosis.findings import OwnerReport, ParameterReport, Report
from tracer.graphs.merged import merge_graphs
from tracer.reports.page.places import places
from tracer.reports.route import route_lines
from tracer.reports.words import LOOKS, clean, number
from tracer.traces import Trace

#: In a longer table, rows name their places without the source lines (the findings show them) and few numbers.
LONG = 300
#: Rows whose details show the way of the gradient.
PATHS = 60


def table_rows(report: Report, names: Mapping[int, str], anchors: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the rows in the order of the report."""
    scale, long = _scale(report), len(report.parameters) > LONG
    optimizers = {name: f"o{i}" for i, name in enumerate(optimizer_names(report))}
    return [_row(row, names[row.leaf], anchors[row.leaf], scale, optimizers, long) for row in report.parameters]


def paths(trace: Trace, report: Report) -> dict[int, str]:
    """Return the way of the gradient, as text, of the first parameters that do not train as they should."""
    merged = merge_graphs(trace)
    bad = [row for row in report.parameters if row.severity in ("error", "warning")][:PATHS]
    found = {row.leaf: "\n".join(route_lines(trace, report, row, merged)).strip("\n") for row in bad}
    return {leaf: text for leaf, text in found.items() if text}


def row_anchors(report: Report, names: Mapping[int, str]) -> dict[int, str]:
    """Return an id for each parameter that can be linked to: ``param-encoder.weight``."""
    found: dict[int, str] = {}
    used: set[str] = set()
    for row in report.parameters:
        base = f"param-{re.sub(r'[^A-Za-z0-9_.:-]', '-', names[row.leaf])[:120]}"
        anchor = base if base not in used else f"{base}-{row.leaf}"
        used.add(anchor)
        found[row.leaf] = anchor
    return found


def optimizer_names(report: Report) -> list[str]:
    """Return the optimizers in order of appearance, each once."""
    return list(dict.fromkeys(owner.name for row in report.parameters for owner in row.optimizers))


def module_names(report: Report, most: int = 400) -> list[str]:
    """Return every module that holds parameters, directly or below it, outermost first."""
    found: dict[str, None] = {}
    for row in report.parameters:
        parts = row.name.split(".")[:-1]
        found.update(dict.fromkeys(".".join(parts[:size]) for size in range(1, len(parts) + 1)))
    return list(found)[:most]


def _scale(report: Report) -> tuple[float, float]:
    """Return the least and greatest log10 of gradient norms, for the bars in the table."""
    norms = [row.grad.norm for row in report.parameters if row.grad.norm and math.isfinite(row.grad.norm)]
    logs = [math.log10(norm) for norm in norms if norm > 0]
    return (min(logs), max(logs)) if logs else (0.0, 0.0)


def _bar(norm: float | None, scale: tuple[float, float]) -> int:
    """Return the length of a bar in percent, on a log scale over all rows; 0 where there is nothing to show."""
    low, high = scale
    if not norm or not math.isfinite(norm) or norm <= 0:
        return 0
    return 100 if high == low else round(8 + 92 * (math.log10(norm) - low) / (high - low))


def _row(
    row: ParameterReport, name: str, anchor: str, scale: tuple[float, float], optimizers: Mapping[str, str], long: bool
) -> dict[str, Any]:
    owners = ", ".join(_owner(owner) for owner in row.optimizers)
    return {
        "row": row,
        "name": name,
        "anchor": anchor,
        "symbol": LOOKS[row.severity][0],
        "shape": " × ".join(map(str, row.shape)) or "scalar",
        "bar": _bar(row.grad.norm, scale),
        "module": row.name.rpartition(".")[0],
        "optimizers": " ".join(optimizers[owner.name] for owner in row.optimizers),
        "rank": list(LOOKS).index(row.severity),
        "places": places(row.where, 4, code=not long),
        "owners": owners,
        "short_owners": ", ".join(dict.fromkeys(f"{owner.name}[{owner.group}]" for owner in row.optimizers)),
        "details": list(_details(row, owners, 120 if long else 400)),
        "text": clean(f"{name} {' '.join(row.aliases)} {row.verdict} {row.model}".lower(), 600),
    }


def _owner(owner: OwnerReport) -> str:
    return f"{owner.name} ({owner.cls}, group {owner.group}, lr {number(owner.lr)})"


def _details(row: ParameterReport, owners: str, most: int) -> Iterator[tuple[str, str]]:
    value, grad = row.value, row.grad
    if row.aliases:
        yield "also called", clean(", ".join(row.aliases), 300)
    yield "dtype, device", clean(f"{row.dtype}, {row.device}", 120)
    yield "requires_grad", str(row.requires_grad)
    yield "held by", clean(owners, 300) or "no optimizer"
    yield "backwards that accumulated", str(grad.accumulated)
    if grad.zero_share is not None:
        yield "share of zeros in the gradient", f"{grad.zero_share:.1%}"
    yield "changed by", clean(value.changed_by or ("not compared" if value.changed is None else "nothing"), 100)
    if value.update_ratio is not None:
        yield "update / value", number(value.update_ratio)
    for label, numbers in (("gradient", grad.values), ("value before", value.before), ("value after", value.after)):
        if numbers is not None:
            yield label, _numbers(numbers, most)


def _numbers(numbers: object, most: int) -> str:
    text = re.sub(r"\s+", " ", _rounded(numbers))
    return text if len(text) <= most else f"{text[:most]} …"


def _rounded(numbers: object) -> str:
    if isinstance(numbers, (list, tuple)):  # as deep as a tensor has dimensions
        return f"[{', '.join(_rounded(part) for part in numbers)}]"
    return f"{numbers:.5g}" if isinstance(numbers, float) else str(numbers)
