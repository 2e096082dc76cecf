"""The HTML-like label of each kind of box."""

from __future__ import annotations

from collections.abc import Iterable

from tracer.drawing.style import FAMILIES, GROUPS, LOOKS, MUTED, Look
from tracer.drawing.text import attribute, line, rich, table
from tracer.graphs.items import Box, Group, Row, View

#: Lines of a box that shows leaves; more are counted.
ROWS = 9
_BAD = {
    "zero": "gradient becomes zero here",
    "nan": "gradient becomes NaN here",
    "inf": "gradient becomes infinite here",
    "none": "returns no gradient",
    "forward": "NaN or Inf in the forward pass",
    "data": "read data that held NaN or Inf",
    "parameter": "read a parameter that was NaN or Inf",
}


def look_of(box: Box) -> str:
    """Return the name of a box's look."""
    if box.mark and box.kind in ("op", "run", "module", "card"):
        return "culprit"
    if box.kind == "leaf":
        return f"leaf-{box.state}"
    if box.kind in ("module", "card") and box.state == "frozen":
        return "leaf-frozen"
    return "op" if box.kind == "run" else box.kind


def label(box: Box, view: View) -> str:
    """Return the label of a box, between ``<`` and ``>``."""
    look = LOOKS[look_of(box)]
    match box.kind:
        case "leaf":
            rows = _leaf(box, look, view)
        case "card" | "module" | "optimizer":
            rows = [*_head(box), *_rows(box, view)]
        case _:
            rows = _plain(box, look)
    if box.mark and box.kind != "leaf":
        rows.append(line(rich(f"{look.sign} {_BAD.get(box.mark, box.mark)}", bold=True)))
    return f"<{table(rows)}>"


def _head(box: Box) -> list[str]:
    beside = f"  {rich(box.beside, colour=MUTED, size=9)}" if box.beside else ""
    span = ' COLSPAN="4"'
    rows = [f"<TR><TD{span}>{rich(box.label[0] or ' ', bold=True)}{beside}</TD></TR>"]
    rows += [f"<TR><TD{span}>{rich(text, colour=MUTED, size=9)}</TD></TR>" for text in box.label[1:] if text]
    return rows


def _leaf(box: Box, look: Look, view: View) -> list[str]:
    beside = f"  {rich(box.beside, colour=MUTED, size=9)}" if box.beside else ""
    state, facts = box.label[1], box.label[2:]
    sign = FAMILIES[box.family][2] if box.family else look.sign
    rows = [line(f"{rich(box.label[0], bold=True)}{beside}"), line(rich(f"{sign} {state}"))]
    told = rich(" · ".join(facts), size=9) if facts else ""
    signs = group_signs(box.groups, view)
    if told or signs:
        rows.append(line("  ".join(filter(None, (told, signs)))))
    return rows


def _rows(box: Box, view: View) -> list[str]:
    found = [_row(row, view, box.kind) for row in box.rows[:ROWS]]
    if len(box.rows) > ROWS:
        found.append(f'<TR><TD COLSPAN="4">{rich(f"and {len(box.rows) - ROWS} more")}</TD></TR>')
    return found


def _row(row: Row, view: View, kind: str) -> str:
    signs = group_signs(row.groups, view)
    if kind == "optimizer":
        return f'<TR><TD ALIGN="LEFT">{signs} {rich(row.word, size=10)}</TD></TR>'
    look = LOOKS[f"leaf-{row.look}"]
    fill, _, colour = look.colours
    sign = FAMILIES[row.family][2] if row.family else look.sign
    shade = f' BGCOLOR="{fill}"' if kind == "card" or row.family else ""
    cells = [f"{sign} {row.name}", row.shape, row.word] if row.name else [f"{sign} {row.count} {row.word}"]
    given = ""
    if row.name and row.tooltip:  # Graphviz 2.43 gives a cell its id and tooltip only where it is a link
        given = f' ID="row-{row.leaf}" HREF="#leaf-{row.leaf}" TOOLTIP={attribute(row.tooltip[:1500])}'
    first, *others = cells
    told = f'<TD ALIGN="LEFT"{shade}{given}>{rich(first, colour=colour, size=9.5, most=34)}&#160;&#160;</TD>'
    told += "".join(f'<TD ALIGN="LEFT"{shade}>{rich(cell, colour=colour, size=9)}&#160;&#160;</TD>' for cell in others)
    return f"<TR>{told}<TD{shade}>{signs or ' '}</TD></TR>"


def _plain(box: Box, look: Look) -> list[str]:
    sign = f"{look.sign} " if box.kind == "cut" else ""
    beside = f"  {rich(box.beside, colour=MUTED, size=9)}" if box.beside else ""
    bold = box.kind in ("loss", "cut")
    rows = [line(f"{rich(sign + box.label[0], bold=bold)}{beside}")] if box.label else [line(" ")]
    rows += [line(rich(text, colour=look.colours[2] if bold else MUTED, size=9)) for text in box.label[1:] if text]
    return rows


def group_signs(groups: Iterable[Group], view: View) -> str:
    """Return the signs of param groups, coloured."""
    numbers = sorted(view.groups[group] for group in groups if group in view.groups)
    shown = [GROUPS[number % len(GROUPS)] for number in numbers[:4]]
    return "".join(rich(sign, colour=colour, size=9) for sign, colour in shown)
