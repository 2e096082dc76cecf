"""State -> look. The one table behind the picture, its legend and its dark version.

Every state is told three times: by colour, by shape and by a word, so it survives greyscale and colour
blindness. Colours follow torchviz where it has them: blue leaves, green result.

Each light colour has one dark counterpart, so a stylesheet can turn any drawing dark by its attributes.
"""

from __future__ import annotations

from dataclasses import dataclass

Colours = tuple[str, str, str]  #: fill, line, text

FONT = "Helvetica"  #: one that layout engines know the widths of
FONTS = "Helvetica,Arial,'Liberation Sans',sans-serif"  #: in the SVG: as wide as the above

#: light colour -> dark colour
DARK: dict[str, str] = {}


def _pair(light: str, dark: str) -> str:
    DARK[light] = dark
    return light


PAGE = _pair("#fefefe", "#14171c")
TEXT = _pair("#1f2733", "#e6eaef")
MUTED = _pair("#667180", "#97a2b0")
#: Frames of modules, outer and inner alternating.
CLUSTER_FILLS = (_pair("#f6f8fa", "#1a1e24"), _pair("#eef2f6", "#20252d"))
CLUSTER_LINE = _pair("#d0d7e0", "#3a424e")

_BLUE: Colours = (_pair("#dcebfa", "#16324f"), _pair("#2f6db3", "#6fb1f2"), _pair("#12304f", "#e6f1fc"))
_GREY: Colours = (_pair("#f0f1f3", "#262b33"), _pair("#7c8592", "#8a94a3"), _pair("#434a54", "#c8d0da"))
_INDIGO: Colours = (_pair("#e6e9fb", "#23284a"), _pair("#4d5fc0", "#8f9df0"), _pair("#252d63", "#dfe3fd"))
_AMBER: Colours = (_pair("#fdecc8", "#43330d"), _pair("#b57700", "#f0b84a"), _pair("#5a3b00", "#fdeecb"))
_RED: Colours = (_pair("#fbd9d3", "#4c1d15"), _pair("#c0341d", "#ff8a75"), _pair("#5e1509", "#ffe3dd"))
_CUT: Colours = (_pair("#fff4f1", "#2c1613"), _RED[1], _pair("#8c2413", "#ffb5a6"))
_WHITE: Colours = (_pair("#fffffe", "#252b34"), _pair("#aab3bf", "#5d6875"), _pair("#2c3440", "#d5dbe3"))
_STONE: Colours = (_pair("#e9edf2", "#2d343f"), _pair("#8b97a6", "#7b8797"), _pair("#27303b", "#e2e7ee"))
_GREEN: Colours = (_pair("#d9f0d3", "#17371a"), _pair("#3f8f3a", "#74c46d"), _pair("#163d13", "#def5da"))
_VIOLET: Colours = (_pair("#f1ebfa", "#2a2040"), _pair("#7a55b0", "#b493e6"), _pair("#37215a", "#efe6fb"))


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is drawn."""

    word: str  #: in the legend
    colours: Colours
    shape: str = "box"  #: of Graphviz
    style: str = "filled,rounded"
    sign: str = ""  #: before the state's word
    width: float = 1.2  #: of the border


LOOKS: dict[str, Look] = {
    "leaf-ok": Look("leaf that trained", _BLUE, sign="✓"),
    "leaf-static": Look("leaf that the graph reaches", _BLUE, sign="→"),
    "leaf-frozen": Look("frozen leaf: asks for no gradient", _GREY, style="filled,dashed", sign="❄"),
    "leaf-info": Look("leaf worth a look", _INDIGO, style="filled,dashed", sign="●"),
    "leaf-warning": Look("leaf with a warning", _AMBER, sign="▲", width=1.8),
    "leaf-error": Look("leaf that does not train", _RED, sign="✗", width=1.8),
    "op": Look("operation", _WHITE),
    "card": Look("module with its operations and leaves", _WHITE, style="filled,rounded", width=1.4),
    "module": Look("folded module (two borders: several equal ones)", _STONE, style="filled"),
    "culprit": Look("where the gradient went bad", _RED, "octagon", "filled", "✗", 2.4),
    "cut": Look("line that cuts the path to the loss", _CUT, style="filled,dashed", sign="✂", width=1.6),
    "loss": Look("what backward started from", _GREEN, "ellipse", "filled"),
    "optimizer": Look("optimizer", _VIOLET, "component", "filled"),
}
#: What went wrong with a leaf -> (shape, style, sign, word in the legend).
FAMILIES: dict[str, tuple[str, str, str, str]] = {
    "none": ("box", "filled,diagonals", "✗", "no gradient came"),
    "idle": ("note", "filled", "⊘", "gradient came, value did not follow"),
    "bad": ("hexagon", "filled", "!", "the gradient itself is wrong"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """How one kind of link is drawn."""

    word: str
    style: str
    colour: str
    sign: str


LINES: dict[str, Line] = {
    "flow": Line("gradient flowed back", "solid", _pair("#5c6673", "#98a3b1"), "━▶"),
    "none": Line("gradient not measured here", "solid", _pair("#b4bcc7", "#566170"), "─▶"),
    "zero": Line("gradient exactly 0", "dotted", _pair("#98a1ad", "#7f8a98"), "┄▶"),
    "nan": Line("gradient NaN or Inf", "bold", _pair("#a3006b", "#ff7fd0"), "━▶"),
    "cut": Line("cut: no gradient comes back", "dashed", _RED[1], "╌▶"),
    "idle": Line("takes part, asks for no gradient", "dotted", _pair("#7d8693", "#8b95a4"), "┈▶"),
    "holds": Line("optimizer holds it", "dotted", _VIOLET[1], "┈•"),
}
#: Colours of gradient norms, least to greatest.
RAMP = (
    _pair("#b3c3d5", "#3d4b5e"),
    _pair("#8aa3bf", "#54708f"),
    _pair("#5f82a8", "#6f97c2"),
    _pair("#37608f", "#9cc3ec"),
    _pair("#143c6e", "#d4e8ff"),
)
#: Signs of param groups: (sign, colour), used in turn.
GROUPS = (
    ("◆", _VIOLET[1]),
    ("■", _pair("#b0487a", "#f08fbd")),
    ("▼", _pair("#1f7a74", "#5fc9c1")),
    ("★", _pair("#8a6d00", "#dcbc3c")),
    ("▶", _pair("#3b62c4", "#8fb0ff")),
    ("♣", _pair("#4f7d1e", "#9ccf62")),
)


def stylesheet(theme: str) -> str:
    """Return the CSS of the SVG for "light", "dark" or "auto" (which follows the reader's setting)."""
    if theme == "light":
        return _ALWAYS
    if theme == "dark":
        return _ALWAYS + _DARK_RULES
    return f"{_ALWAYS}@media screen and (prefers-color-scheme:dark){{{_DARK_RULES}}}"


_ALWAYS = (
    f".graph text{{font-family:{FONTS}}}"
    ".graph a{cursor:default;text-decoration:none}"
    ".graph .node:hover,.graph .edge:hover{opacity:.8}"
)
_DARK_RULES = "".join(
    f'.graph [fill="{light}"]{{fill:{dark}}}.graph [stroke="{light}"]{{stroke:{dark}}}' for light, dark in DARK.items()
)
