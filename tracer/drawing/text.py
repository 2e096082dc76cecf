"""Text that cannot break out of DOT or of Graphviz's HTML-like labels, whatever names a model has."""

from __future__ import annotations

import html
import unicodedata

#: Longest line of a label, in characters.
LONGEST = 40


def visible(text: str) -> str:
    """Return text with control, bidirectional and other invisible characters spelled out."""
    return "".join(sign if _is_plain(sign) else f"\\x{ord(sign):02x}" for sign in text)


def _is_plain(sign: str) -> bool:
    return sign == " " or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def quote(text: str) -> str:
    """Return a DOT string: quotes and backslashes escaped, newlines as ``\\n``, control characters visible."""
    lines = [visible(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n")]
    return '"' + "\\n".join(lines) + '"'


def shorten(text: str, most: int = LONGEST) -> str:
    """Return a name that fits a box; the end is kept, since names differ there."""
    text = text.replace("\n", "⏎").replace("\r", "⏎")
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"


def rich(text: str, *, colour: str = "", size: float = 0, bold: bool = False, most: int = LONGEST) -> str:
    """Return text for an HTML-like label, escaped and shortened."""
    shown = html.escape(visible(shorten(text, most))) or " "
    if bold:
        shown = f"<B>{shown}</B>"
    given = f' COLOR="{colour}"' * bool(colour) + f' POINT-SIZE="{size:g}"' * bool(size)
    return f"<FONT{given}>{shown}</FONT>" if given else shown


def attribute(text: str) -> str:
    """Return a quoted attribute value inside an HTML-like label."""
    return '"' + "&#10;".join(html.escape(visible(line)) for line in text.split("\n")) + '"'


def table(rows: list[str], *, padding: int = 1, spacing: int = 0) -> str:
    """Return a borderless table of rows that are ``<TR>`` already."""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}">{"".join(rows)}</TABLE>'


def line(*cells: str, align: str = "") -> str:
    """Return a table row of plain cells."""
    given = f' ALIGN="{align}"' if align else ""
    return f"<TR>{''.join(f'<TD{given}>{cell}</TD>' for cell in cells)}</TR>"
