"""A folded view as DOT text. Pure text: the same view gives the same DOT, and names cannot break out of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tracer.drawing.labels import label, look_of
from tracer.drawing.legend import legend
from tracer.drawing.scale import Scale
from tracer.drawing.style import CLUSTER_FILLS, CLUSTER_LINE, FAMILIES, FONT, GROUPS, LINES, LOOKS, MUTED, PAGE, RAMP
from tracer.drawing.style import TEXT as INK
from tracer.drawing.text import line, quote, rich, table
from tracer.graphs.items import Box, Link, Path, View


def dot_text(view: View, title: Sequence[str], *, rankdir: str = "TB") -> str:
    """Return the DOT of a view.

    Args:
        title: lines above the picture.
        rankdir: "TB", "BT", "LR" or "RL": the way in which values run.
    """
    scale = Scale.of(view)
    numbers = {path: number for number, path in enumerate(view.clusters, 1)}
    lines = ["digraph tracer {", *_defaults(rankdir, legend(view, scale)), "  subgraph cluster_page {"]
    lines.append(f"    graph [label={_title(title)}, labelloc=t, labeljust=l, peripheries=0, margin=10, style=invis];")
    lines.extend(_inside(view, numbers))
    lines.append("  }")
    lines.extend(_link(link, scale, view, numbers) for link in view.links.values())
    lines.append("}")
    return "\n".join(lines) + "\n"


def _defaults(rankdir: str, told: str) -> Iterator[str]:
    yield (
        f'  graph [rankdir={rankdir}, fontname="{FONT}", fontsize=11, labelloc=b, labeljust=l, nodesep=0.25, '
        f'ranksep=0.38, pad=0.2, bgcolor="{PAGE}", fontcolor="{INK}", compound=true, label={told}];'
    )
    yield f'  node [fontname="{FONT}", fontsize=11, margin="0.09,0.04", height=0.28, penwidth=1.2];'
    yield f'  edge [fontname="{FONT}", fontsize=10, arrowsize=0.65];'


def _title(title: Sequence[str]) -> str:
    first, *rest = title or [" "]
    rows = [line(rich(first, bold=True, size=16, most=100), align="LEFT")]
    rows += [line(rich(text, colour=MUTED, size=11, most=160), align="LEFT") for text in rest]
    return f"<{table(rows)}>"


def _inside(view: View, numbers: dict[Path, int]) -> Iterator[str]:
    """Yield boxes and frames; frames nest as deep as modules do (an explicit stack)."""
    inside: dict[Path, list[Path]] = {}
    for known in view.clusters:
        inside.setdefault(_home(known[:-1], view), []).append(known)
    boxes: dict[Path, list[Box]] = {}
    for box in view.boxes.values():
        boxes.setdefault(_home(box.path, view), []).append(box)
    stack: list[tuple[Path, bool]] = [((), True)]
    while stack:
        at, entering = stack.pop()
        indent = "  " * (len(at) + 2)
        if not entering:
            yield f"{indent}}}"
            continue
        if at:
            yield from _frame(view, at, numbers[at], indent)
            stack.append((at, False))
        for box in boxes.get(at, ()):
            yield f"{indent}  {_box(box, view)}"
        stack.extend((child, True) for child in reversed(inside.get(at, [])))


def _home(path: Path, view: View) -> Path:
    """Return the innermost frame that is drawn around a path."""
    while path and path not in view.clusters:
        path = path[:-1]
    return path


def _frame(view: View, path: Path, number: int, indent: str) -> Iterator[str]:
    cluster = view.clusters[path]
    beside = f"  {rich(cluster.beside, colour=MUTED, size=9, most=50)}" if cluster.beside else ""
    yield f"{indent}subgraph cluster_{number} {{"
    yield (
        f'{indent}  graph [class="module", label=<{rich(cluster.title, bold=True, size=11, most=50)}{beside}>, '
        f'style="rounded,filled", peripheries=1, fillcolor="{CLUSTER_FILLS[len(path) % 2]}", '
        f'color="{CLUSTER_LINE}", labelloc=t, labeljust=l, margin=9, tooltip={quote(cluster.tooltip[:400])}];'
    )


def _box(box: Box, view: View) -> str:
    name = look_of(box)
    look = LOOKS[name]
    shape, style = look.shape, look.style
    if box.family and box.kind == "leaf":
        shape, style, _, _ = FAMILIES[box.family]
    if box.kind == "card":
        style = "filled,rounded" + (",dashed" if name == "leaf-frozen" else "")
    tooltip = "\n".join(part[:400] for part in (*box.tooltip, *_norms(box)) if part)[:1800] or box.label[0][:300]
    fill, border, text = look.colours
    if box.kind in ("card", "module") and box.state in ("warning", "error"):
        border = LOOKS[f"leaf-{box.state}"].colours[1]
    several = ", peripheries=2" if box.copies > 1 else ""
    classes = quote(" ".join(dict.fromkeys((name, box.kind, *([f"is-{box.family}"] if box.family else ())))))
    return (
        f"{quote(box.key)} [id={quote(box.key)}, class={classes}, label={label(box, view)}, "
        f'shape={shape}, style="{style}", fillcolor="{fill}", color="{border}", fontcolor="{text}", '
        f"penwidth={look.width:g}{several}, tooltip={quote(tooltip)}];"
    )


def _norms(box: Box) -> Iterator[str]:
    if box.low is not None and box.high is not None and box.kind != "leaf":
        same = box.low == box.high
        yield f"gradient norm {box.low:.4g}" if same else f"gradient norms {box.low:.4g} to {box.high:.4g}"


def _link(link: Link, scale: Scale, view: View, numbers: dict[Path, int]) -> str:
    kind = scale.kind(link)
    drawn = LINES[kind]
    colour, width, classes = drawn.colour, 1.0, kind
    if kind == "flow" and link.norm is not None:
        level = scale.level(link.norm)
        colour, width, classes = RAMP[level], scale.width(link.norm), f"flow level-{level}"
    elif kind in ("cut", "nan", "zero"):
        width = 1.8
    given = [f'class="{classes}"', f'style="{drawn.style}"', f'penwidth="{width:.2f}"']
    if kind == "holds":
        if link.group in view.groups:
            colour = GROUPS[view.groups[link.group] % len(GROUPS)][1]
        given.append('arrowhead="dot", arrowsize=0.4')
        if link.into is not None and link.into in numbers:
            given.append(f"lhead=cluster_{numbers[link.into]}")
    given.append(f'color="{colour}"')
    given.append(f"tooltip={quote(link.label or _tip(link))}")
    return f"  {quote(link.tail)} -> {quote(link.head)} [{', '.join(given)}];"


def _tip(link: Link) -> str:
    if link.kind != "flow":
        return LINES[link.kind].word
    if link.norm is None:
        return LINES["none"].word
    told = f"gradient norm {link.norm:.4g}" if math.isfinite(link.norm) else f"gradient {link.norm}"
    return told if link.count == 1 else f"{told} at most, {link.count} values"
