"""A griffe extension: what stands after ``#:`` beside a field is shown as its description.

Source: https://mkdocstrings.github.io/griffe/guide/users/how-to/
"""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Docstring, Extension

MARK = "#:"


class FieldComments(Extension):
    """Gives attributes without a docstring the comment beside or above them."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Take the comment of one attribute."""
        if attr.docstring is None and attr.lineno and (text := comment(attr)):
            attr.docstring = Docstring(text[0].upper() + text[1:], parent=attr, lineno=attr.lineno)


def comment(attr: Attribute) -> str:
    """Return what follows ``#:`` on the line of an attribute, or on the lines just above it."""
    lines = attr.lines_collection[attr.filepath]
    beside = lines[attr.lineno - 1].partition(MARK)[2].strip()
    if beside:
        return beside
    above: list[str] = []
    for line in reversed(lines[: attr.lineno - 1]):
        if not line.strip().startswith("#"):
            break
        above.insert(0, line.strip().lstrip("#: "))
        if line.strip().startswith(MARK):
            return " ".join(above)
    return ""
