"""Charts as plain data: gradients and updates along the depth, and a map of layers by steps.

Plotly draws them in the reader's browser. Colours are names of the page's own colours, filled in there, so
that they follow light and dark.
"""

from __future__ import annotations

import math
from typing import Any

from tracer.reports.flow import Flow, Flows, Spread
from tracer.reports.words import clean, elide, number

#: Fewer layers than this are read faster in the table.
LEAST = 4
#: Kinds of layers with a line of their own.
KINDS = 6
#: Rows of the heat map; a larger model shows evenly spaced layers, and says so.
ROWS = 240


def charts(flows: Flows) -> list[dict[str, Any]]:
    """Return the charts that this recording has numbers for, each with title, caption and Plotly data."""
    layers = flows.layers
    if len(layers) < LEAST:
        return []
    found = []
    if any(row.norm for row in layers):
        found.append(_along("gradients", "Gradient norm by depth", layers, [row.norm for row in layers], "norm"))
    if any(row.ratio for row in layers):
        found.append(_along("updates", "Update by weight, by depth", layers, [row.ratio for row in layers], "ratio"))
    if len(flows.steps) > 1 and any(row.norm for row in layers):
        found.append(_map(flows))
    return found


def numbers(flows: Flows) -> list[dict[str, str]]:
    """Return the numbers behind the charts as texts, a row per layer."""
    return [
        {"name": row.name, "verdict": row.verdict, "norm": _spread(row.norm), "ratio": _spread(row.ratio)}
        for row in flows.layers
    ]


def _spread(one: Spread | None) -> str:
    if one is None:
        return "none"
    if one.count == 1 or one.low == one.high:
        return number(one.middle)
    return f"{number(one.middle)} ({number(one.low)} to {number(one.high)})"


def _names(layers: tuple[Flow, ...]) -> list[str]:
    return [clean(row.name, 120) for row in layers]


def _ticks(names: list[str]) -> list[str]:
    """Return names for an axis: without what all share at either end, elided at dots."""
    parts = [name.split(".") for name in names]
    least = min(len(part) for part in parts) - 1
    head = next((i for i in range(least) if len({part[i] for part in parts}) > 1), least)
    tail = 1 if least > head and len({part[-1] for part in parts}) == 1 else 0
    return [elide(".".join(part[head : len(part) - tail]), 24) for part in parts]


def _along(key: str, title: str, layers: tuple[Flow, ...], spreads: list[Spread | None], word: str) -> dict[str, Any]:
    floor = min(one.low for one in spreads if one is not None) / 3
    several = any(one.count > 1 for one in spreads if one is not None)
    names = _names(layers)
    families = _families(layers)
    traces: list[dict[str, Any]] = []
    for number_, (family, members) in enumerate(families.items()):
        mine = [(i, spreads[i]) for i in members]
        if several and any(one is not None for _, one in mine):
            traces += _band(mine, number_)
        traces.append(_line(mine, names, family, number_, word))
    missing = [i for i, one in enumerate(spreads) if one is None]
    if missing:
        traces.append(_missing(missing, names, layers, floor, "no gradient" if word == "norm" else "no update"))
    told = ["Left: nearest to the input", "log scale"]
    told += ["line: median over steps", "band: least to greatest"] if several else []
    told += ["one line per kind of layer or model"] if len(families) > 1 else []
    told += ["crosses stand for none"] if missing else []
    return {
        "key": key, "title": title, "caption": f"{'; '.join(told)}.", "traces": traces, "ticks": _safe(_ticks(names)),
        "kind": "depth", "legend": len(families) > 1,
    }  # fmt: skip


def _families(layers: tuple[Flow, ...]) -> dict[str, list[int]]:
    """Return layers of one kind together, so that a line follows the depth and not the kind.

    Layers are of one kind when they belong to one model and their names differ in numbers only; kinds with few
    layers are put together. Where no two kinds are large, each model is one kind.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(layers):
        pattern = ".".join("*" if part.isdigit() else part for part in row.name.split("."))
        found.setdefault((row.model, pattern), []).append(i)
    large = sorted((family for family in found if len(found[family]) >= LEAST), key=lambda f: -len(found[f]))[:KINDS]
    if len(large) < 2:
        return _models(layers)
    short = dict(zip(large, _ticks([pattern for _, pattern in large]), strict=True))
    rest = sorted(i for family, members in found.items() if family not in short for i in members)
    return {**{short[family]: found[family] for family in large}, **({"others": rest} if rest else {})}


def _models(layers: tuple[Flow, ...]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, row in enumerate(layers):
        found.setdefault(clean(row.model, 60), []).append(i)
    return found if 1 < len(found) <= KINDS else {"all layers": list(range(len(layers)))}


def _band(mine: list[tuple[int, Spread | None]], number_: int) -> list[dict[str, Any]]:
    """Return two lines with the area between them filled."""
    edge = {
        "type": "scatter", "x": [i for i, _ in mine], "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "line": {"width": 0}, "legendgroup": str(number_),
    }  # fmt: skip
    return [
        {**edge, "y": [one and one.low for _, one in mine]},
        {**edge, "y": [one and one.high for _, one in mine], "fill": "tonexty", "fillcolor": f"band-{number_}"},
    ]


def _line(
    mine: list[tuple[int, Spread | None]], names: list[str], family: str, number_: int, word: str
) -> dict[str, Any]:
    safe = _safe(names)
    return {
        "type": "scatter", "x": [i for i, _ in mine], "y": [one and one.middle for _, one in mine],
        "mode": "markers" if family == "others" else "lines+markers", "name": _safe([family])[0],
        "legendgroup": str(number_), "text": [f"{safe[i]}<br>{word} {_spread(one)}" for i, one in mine],
        "hovertemplate": "%{text}<extra></extra>", "line": {"color": f"line-{number_}", "width": 2},
        "marker": {"size": 5, "color": f"line-{number_}"},
    }  # fmt: skip


def _missing(
    missing: list[int], names: list[str], layers: tuple[Flow, ...], floor: float, label: str
) -> dict[str, Any]:
    safe = _safe(names)
    return {
        "type": "scatter", "x": missing, "y": [floor] * len(missing), "mode": "markers", "name": label,
        "marker": {"symbol": "x", "size": 7, "color": "error"},
        "text": [f"{safe[i]}<br>{label}: {layers[i].verdict}" for i in missing],
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _safe(names: list[str]) -> list[str]:
    """Return names for Plotly's labels, which read a few tags: a name with angle brackets stays text."""
    return [name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for name in names]


def _map(flows: Flows) -> dict[str, Any]:
    layers = flows.layers
    every = math.ceil(len(layers) / ROWS)
    rows = layers[::every]
    z = [[round(math.log10(v), 3) if v and math.isfinite(v) and v > 0 else None for v in row.norms] for row in rows]
    names = _names(rows)
    caption = (
        "Colour: log10 of the gradient norm; empty cells: no gradient, or none measured. Top: nearest to the input."
    )
    if every > 1:
        caption += f" One of every {every} of the {len(layers)} layers is shown."
    heat = {
        "type": "heatmap", "z": z,
        "x": [str(step) for step in flows.steps], "y": _safe(names),
        "hovertemplate": "%{y}<br>step %{x}<br>log10 norm %{z}<extra></extra>", "colorscale": "Viridis",
        "colorbar": {"title": {"text": "log10 norm"}, "thickness": 12}, "xgap": 1, "ygap": 1 if len(rows) < 80 else 0,
    }  # fmt: skip
    return {
        "key": "steps", "title": "Gradient norm by layer and step", "caption": caption, "traces": [heat],
        "ticks": _safe(_ticks(names)), "kind": "map",
    }  # fmt: skip
