"""A folded view as DOT text. Pure text: the same view gives the same DOT, and names cannot break out of it."""

from __future__ import annotations

import itertools
import math
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from tracer.drawing.style import CLUSTER_FILL, CLUSTER_LINE, LINKS, LOOKS, PAGE, TEXT
from tracer.graphs.items import Box, Link, Path, View

_FONT = "Helvetica,Arial,sans-serif"
#: Longest line of a label, in characters.
LONGEST = 44


def quote(text: str) -> str:
    """Return a DOT string: quotes and backslashes escaped, newlines as ``\\n``, control characters visible."""
    shown = []
    for sign in text:
        if sign == "\n":
            shown.append("\\n")
        elif sign in '"\\':
            shown.append(f"\\{sign}")
        elif sign != " " and unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            shown.append(f"\\\\x{ord(sign):02x}")
        else:
            shown.append(sign)
    return f'"{"".join(shown)}"'


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a name that fits a box; the end is kept, since names differ there."""
    text = text.replace("\n", "⏎").replace("\r", "⏎")
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"


def dot_text(view: View, title: Sequence[str], *, rankdir: str = "TB") -> str:
    """Return the DOT of a view.

    Args:
        title: lines above the picture.
        rankdir: "TB", "BT", "LR" or "RL": the way in which values run.
    """
    lines = ["digraph tracer {", *_defaults(rankdir, title)]
    lines.extend(_cluster((), view))
    low, high = _range(view)
    lines.extend(_link(link, low, high) for link in view.links.values())
    lines.extend(_legend(view))
    lines.append("}")
    return "\n".join(lines) + "\n"


def _defaults(rankdir: str, title: Sequence[str]) -> Iterator[str]:
    label = "\n".join(shorten(line, 140) for line in title)
    yield (
        f'  graph [rankdir={rankdir}, fontname="{_FONT}", fontsize=15, labelloc=t, labeljust=l, nodesep=0.28, '
        f'ranksep=0.42, pad=0.3, bgcolor="{PAGE[0]}", fontcolor="{TEXT[0]}", compound=true, '
        f"label={quote(label)}];"
    )
    yield f'  node [fontname="{_FONT}", fontsize=11, margin="0.14,0.07", height=0.3, penwidth=1.2];'
    yield f'  edge [fontname="{_FONT}", fontsize=10, arrowsize=0.65];'


def _cluster(path: Path, view: View) -> Iterator[str]:
    """Yield boxes and inner clusters of a path; clusters nest as deep as modules do (an explicit stack)."""
    inside: dict[Path, list[Path]] = {}
    for known in view.clusters:
        inside.setdefault(known[:-1], []).append(known)
    boxes: dict[Path, list[Box]] = {}
    for box in view.boxes.values():
        boxes.setdefault(box.path, []).append(box)
    stack: list[tuple[Path, bool]] = [(path, True)]
    number = 0
    while stack:
        at, entering = stack.pop()
        indent = "  " * (len(at) + 1)
        if not entering:
            yield f"{indent}}}"
            continue
        if at:
            number += 1
            yield f"{indent}subgraph cluster_{number} {{"
            yield (
                f'{indent}  graph [label={quote(shorten(view.clusters[at], 60))}, style="rounded,filled", '
                f'fillcolor="{CLUSTER_FILL[0]}", color="{CLUSTER_LINE[0]}", fontsize=11, labeljust=l, margin=12, '
                f"tooltip={quote('.'.join(at)[:300])}];"
            )
            stack.append((at, False))
        for box in boxes.get(at, ()):
            yield f"{indent}  {_box(box)}"
        stack.extend((child, True) for child in reversed(inside.get(at, [])))


def look_of(box: Box) -> str:
    """Return the name of a box's look."""
    if box.mark and box.kind in ("op", "run", "module"):
        return "culprit"
    if box.kind == "leaf":
        return f"leaf-{box.state}"
    return "op" if box.kind == "run" else box.kind


def _box(box: Box) -> str:
    name = look_of(box)
    look = LOOKS[name]
    lines = [shorten(line) for line in box.label if line]
    if box.kind == "optimizer":
        lines = [f"   {line} " for line in lines]  # the shape's tabs stand inside its box
    if box.kind == "leaf":
        lines[-1] = f"{look.symbol} {lines[-1]}"
    if name == "culprit":
        lines.append(f"{look.symbol} {_BAD.get(box.mark, box.mark)}")
    tooltip = "\n".join(part[:300] for part in (*box.tooltip, *_norms(box)) if part)[:1500] or box.key[:300]
    label, classes = quote("\n".join(lines)), quote(f"{name} {box.kind}")
    fill, line, text = look.light
    return (
        f"{quote(box.key)} [id={quote(box.key)}, class={classes}, label={label}, "
        f'shape={look.shape}, style="{look.style}", fillcolor="{fill}", color="{line}", fontcolor="{text}", '
        f"penwidth={look.width}, peripheries={look.borders}, tooltip={quote(tooltip)}];"
    )


_BAD = {
    "zero": "gradient becomes zero here",
    "nan": "gradient becomes NaN here",
    "inf": "gradient becomes infinite here",
    "none": "returns no gradient",
    "forward": "NaN or Inf in the forward pass",
}


def _norms(box: Box) -> Iterator[str]:
    if box.low is not None and box.high is not None:
        same = box.low == box.high
        yield f"gradient norm {box.low:.3g}" if same else f"gradient norms {box.low:.3g} to {box.high:.3g}"


def _range(view: View) -> tuple[float, float]:
    logs = [
        math.log10(link.norm)
        for link in view.links.values()
        if link.norm and math.isfinite(link.norm) and link.norm > 0
    ]
    return (min(logs), max(logs)) if logs else (0.0, 0.0)


def _link(link: Link, low: float, high: float) -> str:
    kind = link.kind
    if kind == "flow" and link.norm is None:
        kind = "none"
    _, style, colour, _ = LINKS[kind]
    given = [f'class="{kind}"', f'style="{style}"', f'color="{colour}"']
    if link.label:
        given.append(f"label={quote(shorten(link.label))}")
        given.append(f'fontcolor="{colour}"')
    if kind == "cut":
        given.append("penwidth=1.8")
    elif kind == "holds":
        given.append('arrowhead="none", constraint=false')
    else:
        given.append(f"penwidth={_width(link.norm, low, high)}")
    tip = "not measured" if link.norm is None else f"gradient norm {link.norm:.3g}"
    given.append(f"tooltip={quote(link.label or tip)}")
    return f"  {quote(link.tail)} -> {quote(link.head)} [{', '.join(given)}];"


def _width(norm: float | None, low: float, high: float) -> str:
    if norm is None or not math.isfinite(norm) or norm <= 0:
        return "0.8"
    share = 0.5 if high == low else (math.log10(norm) - low) / (high - low)
    return f"{1.0 + 2.6 * share:.2f}"


def _legend(view: View) -> Iterator[str]:
    """Yield a legend of the looks and links that the picture really uses."""
    used = list(dict.fromkeys(look_of(box) for box in view.boxes.values()))
    kinds = dict.fromkeys("none" if k.kind == "flow" and k.norm is None else k.kind for k in view.links.values())
    order = [name for name in LOOKS if name in used]
    yield "  subgraph cluster_legend {"
    yield (
        f'    graph [label="how to read this", style="rounded,filled", fillcolor="{CLUSTER_FILL[0]}", '
        f'color="{CLUSTER_LINE[0]}", fontsize=11, labeljust=l, margin=10, tooltip="legend"];'
    )
    for name in order:
        look = LOOKS[name]
        fill, line, text = look.light
        word = f"{look.symbol} {look.word}".strip()
        yield (
            f'    "legend-{name}" [class="{name} legend", label={quote(word)}, shape={look.shape}, '
            f'style="{look.style}", fillcolor="{fill}", color="{line}", fontcolor="{text}", '
            f"peripheries={look.borders}, "
            f'fontsize=10, margin="0.1,0.04", height=0.2, tooltip=" "];'
        )
    told = ["arrows run as values do: from parameter to loss"]
    told.extend(f"{LINKS[kind][1]} line: {LINKS[kind][0]}" for kind in LINKS if kind in kinds)
    told.extend(view.notes)
    label = "".join(f"{quote(part)[1:-1]}\\l" for line in told for part in textwrap.wrap(line, 46))
    yield f'    "legend-text" [class="legend-text", shape=plaintext, label="{label}", fontsize=10, tooltip=" "];'
    # Two columns, so that the legend stays small beside the graph.
    rows = [*(order[i : i + 2] for i in range(0, len(order), 2)), ["text"]]
    for row, following in itertools.pairwise(rows):
        yield f'    "legend-{row[0]}" -> "legend-{following[0]}" [style=invis];'
    yield "  }"
