"""State -> look. The one table behind the picture, its legend and its dark version.

Every state is told three times: by colour, by shape and by a word, so it survives greyscale and colour
blindness. Colours follow torchviz where it has them: blue leaves, green result.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is drawn: Graphviz shape and style, and colours for light and dark."""

    word: str  #: in the legend
    shape: str
    style: str
    light: tuple[str, str, str]  #: fill, line, text
    dark: tuple[str, str, str]
    symbol: str = ""  #: before the state's word on the node
    width: float = 1.2
    borders: int = 1  #: lines around the shape


LOOKS: dict[str, Look] = {
    "leaf-ok": Look(
        "parameter that trained", "box", "filled,rounded", ("#dcebfa", "#2f6db3", "#12304f"),
        ("#16324f", "#6fb1f2", "#e6f1fc"), "✓",
    ),
    "leaf-static": Look(
        "leaf that the graph reaches", "box", "filled,rounded", ("#dcebfa", "#2f6db3", "#12304f"),
        ("#16324f", "#6fb1f2", "#e6f1fc"), "→",
    ),
    "leaf-frozen": Look(
        "frozen parameter", "box", "filled,dashed", ("#f1f2f4", "#7c8592", "#434a54"),
        ("#262b33", "#8a94a3", "#c8d0da"), "❄",
    ),
    "leaf-info": Look(
        "parameter, worth a look", "box", "filled,dashed", ("#e9effb", "#4d6fb5", "#22355c"),
        ("#1f2b45", "#86a8e8", "#dbe6fb"), "●",
    ),
    "leaf-warning": Look(
        "parameter with a warning", "note", "filled", ("#fdecc8", "#b57700", "#5a3b00"),
        ("#43330d", "#f0b84a", "#fdeecb"), "▲", 2.0,
    ),
    "leaf-error": Look(
        "parameter that does not train", "box", "filled,bold,diagonals", ("#fbd9d3", "#c0341d", "#5e1509"),
        ("#4c1d15", "#ff8a75", "#ffe3dd"), "✗", 1.8, 2,
    ),
    "op": Look(
        "operation", "box", "filled,rounded", ("#ffffff", "#b4bcc8", "#3a424e"),
        ("#20252d", "#59636f", "#d5dbe3"),
    ),
    "module": Look(
        "folded module", "box3d", "filled", ("#eef1f5", "#8f9aa8", "#2a313b"),
        ("#2a303a", "#7b8797", "#e2e7ee"),
    ),
    "culprit": Look(
        "operation where the gradient went bad", "doubleoctagon", "filled", ("#fbd9d3", "#c0341d", "#5e1509"),
        ("#4c1d15", "#ff8a75", "#ffe3dd"), "✗", 2.0,
    ),
    "loss": Look(
        "what backward started from", "ellipse", "filled", ("#d9f0d3", "#3f8f3a", "#163d13"),
        ("#17371a", "#74c46d", "#def5da"),
    ),
    "optimizer": Look(
        "optimizer", "component", "filled", ("#ece4f7", "#7a55b0", "#37215a"),
        ("#302247", "#b493e6", "#efe6fb"),
    ),
}  # fmt: skip

#: kind of link -> (word in the legend, style, light colour, dark colour)
LINKS: dict[str, tuple[str, str, str, str]] = {
    "flow": (
        "gradient flows against the arrow; thicker and darker = larger norm",
        "solid",
        "#5c6673",
        "#98a3b1",
    ),
    "none": ("no gradient measured", "solid", "#c3c9d1", "#4a525d"),
    "cut": ("path cut here: no gradient comes back", "dashed", "#c0341d", "#ff8a75"),
    "holds": ("optimizer holds it", "dotted", "#7a55b0", "#b493e6"),
}

#: Page behind everything, and text and line of clusters: light, dark.
PAGE = ("#ffffff", "#14171c")
TEXT = ("#232a33", "#e6eaef")
CLUSTER_FILL = ("#f7f8fa", "#1b1f26")
CLUSTER_LINE = ("#d5dae1", "#353c47")


def stylesheet(theme: str) -> str:
    """Return the CSS of the SVG for "light", "dark" or "auto" (which follows the reader's setting)."""
    if theme == "light":
        return _rules(0)
    if theme == "dark":
        return _rules(1)
    return f"{_rules(0)}@media (prefers-color-scheme:dark){{{_rules(1)}}}"


def _rules(column: int) -> str:
    parts = [
        f".graph>polygon,.graph>g>a>polygon{{fill:{PAGE[column]};stroke:none}}",
        f".graph text{{fill:{TEXT[column]}}}",
        f".cluster polygon,.cluster path{{fill:{CLUSTER_FILL[column]};stroke:{CLUSTER_LINE[column]}}}",
        f".cluster text{{fill:{TEXT[column]}}}",
    ]
    for name, look in LOOKS.items():
        fill, line, text = look.dark if column else look.light
        parts.append(
            f".node.{name} polygon,.node.{name} path,.node.{name} ellipse{{fill:{fill};stroke:{line}}}"
            f".node.{name} polyline{{stroke:{line}}}.node.{name} text{{fill:{text}}}"
        )
    for name, (_, _, light, dark) in LINKS.items():
        colour = dark if column else light
        parts.append(
            f".edge.{name} path{{stroke:{colour}}}.edge.{name} polygon{{fill:{colour};stroke:{colour}}}"
            f".edge.{name} text{{fill:{colour}}}"
        )
    return "".join(parts)
