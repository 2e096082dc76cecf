"""Hints for names that were not found."""

from __future__ import annotations

import difflib

#: How much less alike than the nearest name another may be, to be named beside it.
_BEHIND = 0.15


def near_names(given: str, known: list[str], otherwise: str) -> str:
    """Return a hint: the names nearest to ``given``, or ``otherwise``."""
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(given.lower(), folded, n=3, cutoff=0.5)
    likeness = [difflib.SequenceMatcher(None, name, given.lower()).ratio() for name in near]
    nearest = [folded[name] for name, like in zip(near, likeness, strict=True) if like >= likeness[0] - _BEHIND]
    return f"Did you mean {' or '.join(nearest)}?" if nearest else otherwise
