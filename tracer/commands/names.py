"""Hints for names that were not found."""

from __future__ import annotations

import difflib


def near_names(given: str, known: list[str], otherwise: str) -> str:
    """Return a hint: the names nearest to ``given``, or ``otherwise``."""
    folded = {name.lower(): name for name in known}
    near = [folded[name] for name in difflib.get_close_matches(given.lower(), folded, n=3, cutoff=0.5)]
    return f"Did you mean {' or '.join(near)}?" if near else otherwise
