"""The legend under the picture: what is used and nothing else, and which way arrows run."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from tracer.drawing.labels import look_of
from tracer.drawing.scale import Scale
from tracer.drawing.style import FAMILIES, GROUPS, LINES, LOOKS, MUTED, RAMP, TEXT
from tracer.drawing.text import rich
from tracer.graphs.items import Box, View

#: Entries side by side.
_COLUMNS = 3


def legend(view: View, scale: Scale) -> str:
    """Return the legend as an HTML-like label, between ``<`` and ``>``."""
    entries = [*_looks(view), *_lines(view, scale), *_signs(view)]
    rows = [entries[i : i + _COLUMNS] for i in range(0, len(entries), _COLUMNS)]
    told = ["Arrows run as values do, from leaves to the loss; gradients come back against them."]
    if view.notes:
        told.append(f"{'; '.join(view.notes)}.")
    span = f' COLSPAN="{2 * _COLUMNS}" ALIGN="LEFT"'
    lines = [f"<TR><TD{span}>{rich('How to read this', bold=True, size=11)}</TD></TR>"]
    lines += [f"<TR>{''.join(row)}</TR>" for row in rows]
    for text in told:
        for part in textwrap.wrap(text, 120) or [""]:
            lines.append(f"<TR><TD{span}>{rich(part, colour=MUTED, size=10, most=130)}</TD></TR>")
    rows_text = "\n    ".join(lines)  # a line each, so that differences can be read
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="3" CELLPADDING="2">\n    {rows_text}</TABLE>>'


def _entry(sample: str, words: str) -> str:
    return f'<TD>{sample}</TD><TD ALIGN="LEFT">{rich(words, colour=TEXT, size=10, most=90)}</TD>'


def _looks(view: View) -> Iterator[str]:
    used = {look_of(box) for box in view.boxes.values()}
    used |= {f"leaf-{row.look}" for box in view.boxes.values() if box.kind != "optimizer" for row in box.rows}
    families = _families(view)
    for name, look in LOOKS.items():
        if name not in used:
            continue
        if families.get(name):
            for family in FAMILIES:
                if family in families[name]:
                    yield _entry(_sample(name, FAMILIES[family][2]), f"{look.word}: {FAMILIES[family][3]}")
            continue
        yield _entry(_sample(name, look.sign), look.word)


def _families(view: View) -> dict[str, set[str]]:
    """Return, per look of leaves, what went wrong with those that have it."""
    found: dict[str, set[str]] = {}
    for box in view.boxes.values():
        shown = [(box.state, box.family), *((row.look, row.family) for row in box.rows)]
        for look, family in shown if _shows_leaves(box) else ():
            if family:
                found.setdefault(f"leaf-{look}", set()).add(family)
    return found


def _shows_leaves(box: Box) -> bool:
    return box.kind in ("leaf", "card", "module")


def _sample(name: str, sign: str) -> str:
    look = LOOKS[name]
    fill, border, text = look.colours
    style = ",".join(part for part in look.style.split(",") if part in ("rounded", "dashed"))
    given = f' STYLE="{style}"' if style else ""
    return (
        f'<TABLE BORDER="{2 if look.width > 1.5 else 1}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1"{given} '
        f'COLOR="{border}" BGCOLOR="{fill}"><TR><TD WIDTH="30" HEIGHT="13">{rich(sign or " ", colour=text, size=10)}'
        "</TD></TR></TABLE>"
    )


def _lines(view: View, scale: Scale) -> Iterator[str]:
    used = {scale.kind(link) for link in view.links.values()}
    for name, drawn in LINES.items():
        if name not in used:
            continue
        if name == "flow" and scale.low != scale.high:
            ramp = "".join(rich("━", colour=colour, bold=True, size=8) for colour in RAMP)
            yield _entry(ramp, f"gradient norm {10**scale.low:.3g} to {10**scale.high:.3g}")
        else:
            yield _entry(rich(drawn.sign, colour=drawn.colour, bold=drawn.style == "bold"), drawn.word)


def _signs(view: View) -> Iterator[str]:
    if view.groups:
        shown = [GROUPS[number % len(GROUPS)] for number in list(view.groups.values())[: len(GROUPS)]]
        yield _entry("".join(rich(sign, colour=colour) for sign, colour in shown), "held by the param group so marked")
