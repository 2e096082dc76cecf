"""Docstrings as HTML: paragraphs, ``code``, *emphasis*, links and simple tables, everything else escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterator

_MARKS = re.compile(
    r"``(?P<code>.+?)``|(?<![\w*])\*(?P<em>[^*\s](?:[^*]*[^*\s])?)\*(?![\w*])|(?P<link>https?://[^\s<>]+)"
)
#: What stands before the name of an entry; the same word elsewhere means the thing in PyTorch.
_BEFORE_A_NAME = re.compile(r"(?:[Ss]cenario|[Ss]ee|[Aa]s in|bug in) $|(?:scenario|see) .*and $")
_RULE = re.compile(r"=+(?: +=+)+")


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a docstring, lines still as they are."""
    return [part for part in re.split(r"\n\s*\n", text.strip()) if part]


def to_html(paragraph: str, names: Collection[str] = ()) -> str:
    """Return one paragraph as HTML, ``<p>`` or ``<table>``.

    Args:
        names: the name of another entry of the page, after "see" or "scenario", becomes a link to it.
    """
    lines = paragraph.splitlines()
    if _RULE.fullmatch(lines[0].strip()):
        return _table(lines, names)
    return f"<p>{inline(' '.join(line.strip() for line in lines), names)}</p>"


def inline(text: str, names: Collection[str] = ()) -> str:
    """Return running text as HTML: code, emphasis and links are marked up, the rest is escaped."""
    return "".join(_pieces(text, names))


def _pieces(text: str, names: Collection[str]) -> Iterator[str]:
    end = 0
    for found in _MARKS.finditer(text):
        yield html.escape(text[end : found.start()])
        end = found.end()
        if (code := found["code"]) is not None:
            shown = f"<code>{html.escape(code)}</code>"
            named = code in names and _BEFORE_A_NAME.search(text, 0, found.start())
            yield f'<a href="#{html.escape(code)}">{shown}</a>' if named else shown
        elif (emphasis := found["em"]) is not None:
            yield f"<em>{html.escape(emphasis)}</em>"
        else:
            address = html.escape(found["link"])
            yield f'<a href="{address}">{address}</a>'
    yield html.escape(text[end:])


def _table(lines: list[str], names: Collection[str]) -> str:
    """Return a simple reStructuredText table: columns are where the rule of ``=`` has them."""
    spans = [(found.start(), found.end()) for found in re.finditer(r"=+", lines[0])]
    inner = [line for line in lines if not _RULE.fullmatch(line.strip())]
    last = spans[-1][0]
    rows = [[line[a:b].strip() if a != last else line[a:].strip() for a, b in spans] for line in inner]
    head = "".join(f'<th scope="col">{inline(cell, names)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{inline(cell, names)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
