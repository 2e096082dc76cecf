"""A griffe extension: the fields of a dataclass are told in one list, each with the ``#:`` comment beside it.

Source: https://mkdocstrings.github.io/griffe/guide/users/how-to/
"""

from __future__ import annotations

from typing import Any

from griffe import Attribute, Class, Docstring, Extension

MARK = "#:"


class FieldComments(Extension):
    """Describes attributes by their comments."""

    def on_attribute_instance(self, *, attr: Attribute, **_: Any) -> None:
        """Take the comment of one attribute that has no docstring."""
        if attr.docstring is None and attr.lineno and (text := comment(attr)):
            attr.docstring = Docstring(text, parent=attr, lineno=attr.lineno)

    def on_class(self, *, cls: Class, **_: Any) -> None:
        """Put the fields of a dataclass into its docstring."""
        if cls.docstring is None or not any("dataclass" in str(d.value) for d in cls.decorators):
            return
        fields = {name: field for name, field in cls.attributes.items() if "property" not in field.labels}
        told = [f"    {name}: {field.docstring.value if field.docstring else ''}" for name, field in fields.items()]
        cls.docstring.value = "\n".join([cls.docstring.value, "", "Attributes:", *told])


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
