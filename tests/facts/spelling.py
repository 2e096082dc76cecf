"""Names of parameters in one spelling, for comparing."""

from __future__ import annotations

import re


def spell(name: str) -> str:
    """Return ``maps['r0'].weight`` and ``maps[0].weight`` as ``maps.r0.weight`` and ``maps.0.weight``."""
    return re.sub(r"\[['\"]?([^\]'\"]+)['\"]?\]", r".\1", name)
