"""The picture on the page: drawings at several depths, and which box of each shows which parameter."""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from typing import Any

from tracer.diagnosis.findings import Report
from tracer.drawing.levels import Level, draw_levels
from tracer.errors import TracerError
from tracer.traces import Trace

_CHOICES = ("engine", "depth", "focus", "expand", "only_problems")
_NODE = re.compile(r'<g id="([^"]*)" class="node ([^"]*)">')


def picture(trace: Trace, report: Report, options: dict[str, Any]) -> dict[str, Any]:
    """Return ``levels`` with their SVG, the boxes of every parameter, and why there is no picture, if so."""
    given = {key: options[key] for key in _CHOICES if options.get(key) is not None}
    try:
        levels = draw_levels(trace, report, **given)
    except TracerError as problem:
        return {"levels": [], "problem": str(problem), "boxes": {}}
    return {
        "levels": [{"name": level.name, "title": _title(level), "svg": level.svg} for level in levels],
        "problem": "",
        "boxes": {level.name: {str(leaf): box for leaf, box in level.leaf_boxes.items()} for level in levels},
    }


def _title(level: Level) -> str:
    if level.name == "auto":
        return f"automatic ({level.boxes} boxes)"
    return f"{level.name} level{'' if level.name == '1' else 's'} of modules ({level.boxes} boxes)"


def beside(trace: Trace, report: Report, marked: Collection[int], prefix: str, options: dict[str, Any]) -> str:
    """Return one drawing to stand beside others on a page: ids of its own, the boxes of some leaves marked."""
    found = picture(trace, report, options)
    if not found["levels"]:
        return ""
    boxes = {found["boxes"][found["levels"][0]["name"]].get(str(leaf)) for leaf in marked}

    def mark(match: re.Match[str]) -> str:
        extra = " differs" if html.unescape(match[1]) in boxes else ""
        return f'<g id="{match[1]}" class="node {match[2]}{extra}">'

    svg = _NODE.sub(mark, found["levels"][0]["svg"])
    return re.sub(r'\bid="', f'id="{prefix}-', svg)
