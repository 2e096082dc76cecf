"""Source lines on the page: the place that matters open, what lies around it behind a click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.diagnosis.findings import Where
from tracer.reports.words import ROLES, dedented, short_file

#: Roles that explain where a thing comes from rather than what is wrong with it.
_BACKGROUND = ("made", "reentry", "backward", "step")


def places(where: Sequence[Where], most: int, *, code: bool = True) -> list[dict[str, Any]]:
    """Return what the template shows of at most ``most`` places.

    Args:
        code: with the source lines.
    """
    return [_place(one, code) for one in where[:most]]


def split(where: Sequence[Where], most: int = 12) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the places to show at once, and those to show on demand."""
    front = [one for i, one in enumerate(where[:most]) if i == 0 or (i < 3 and one.role not in _BACKGROUND)]
    return places(front, most), places([one for one in where[:most] if one not in front], most)


def _place(where: Where, code: bool) -> dict[str, Any]:
    lines = [
        {"number": where.first + i, "text": text, "here": where.first + i == where.line}
        for i, text in enumerate(dedented(where.code) if code else ())
    ]
    return {"where": where, "file": short_file(where.file), "role": ROLES.get(where.role, where.role), "lines": lines}
