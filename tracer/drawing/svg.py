"""What makes an engine's SVG fit for a page: colours for light and dark, tooltips, a name for screen readers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tracer.drawing.style import FONTS, stylesheet
from tracer.drawing.text import visible
from tracer.errors import UsageError

_LINK = re.compile(r' xlink:href="#leaf-\d+"')
_FONT = re.compile(r'font-family="[^"]*"')
_TOOLTIP = re.compile(r'<a xlink:title="([^"]*)">')
_ROW = re.compile(r'<g id="a_row-(\d+)">')
_SIZE = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"')


def dress(svg: str, theme: str, title: Sequence[str] = ()) -> str:
    """Return an engine's SVG with a stylesheet, tooltips as ``<title>`` and a name; it needs no other file.

    Colours in attributes are the light ones, so viewers without CSS show a light picture.

    Args:
        theme: "light", "dark", or "auto", which follows the reader's setting.
        title: the name and description that screen readers tell.

    Raises:
        UsageError: for another theme.
    """
    if theme not in ("auto", "light", "dark"):
        raise UsageError(f"theme is {theme!r}.", "It may be 'auto', 'light' or 'dark'.")
    start = svg.find("<svg")
    head, body = svg[:start], svg[start:]
    head = "".join(re.findall(r"<\?xml.*?\?>", head)) + "\n" if "<?xml" in head else ""
    body = re.sub(r"<!--.*?-->\n?", "", body, flags=re.DOTALL).replace("&#45;", "-")
    # Browsers show <title> as a tooltip; xlink:title is out of use.
    body = _LINK.sub("", body)
    body = _TOOLTIP.sub(lambda found: f'<a xlink:title="{found[1]}"><title>{found[1]}</title>', body)
    body = _ROW.sub(r'<g id="leaf-\1" class="row">', body)
    body = _FONT.sub(f'font-family="{FONTS}"', body)
    end = body.index(">") + 1
    opening = f'{body[: end - 1]} role="img" style="max-width:100%;height:auto">'
    return f"{head}{opening}\n{_names(title)}<style>{stylesheet(theme)}</style>{body[end:]}"


def _names(title: Sequence[str]) -> str:
    first, *rest = title or ["autograd graph"]
    told = " ".join(rest) or "Operations, leaves and optimizers, linked as values ran."
    return f"<title>{_escaped(first)}</title><desc>{_escaped(told)}</desc>"


def _escaped(text: str) -> str:
    return visible(text[:400]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size_of(svg: str) -> tuple[float, float]:
    """Return width and height of an engine's SVG in points; (0, 0) where it does not tell."""
    found = _SIZE.search(svg)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)
