"""The chart library, packed into the page: Plotly's own file from its PyPI package, compressed.

It is unpacked by the reader's browser when a chart comes into sight, so a page opens at once, and weighs
two megabytes instead of five.
"""

from __future__ import annotations

import base64
import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tracer.reports.page.assets import script_hash


@dataclass(frozen=True, slots=True)
class Library:
    """One script."""

    packed: str  #: gzip, then base64
    hash: str  #: allows the unpacked script to run


@lru_cache(maxsize=1)
def plotly() -> Library | None:
    """Return the library; None where the plotly package is not installed. Does not import it."""
    spec = importlib.util.find_spec("plotly")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        file = Path(folder, "package_data", "plotly.min.js")
        if file.is_file():
            text = file.read_text(encoding="utf-8")
            packed = base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
            return Library(packed, script_hash(text))
    return None
