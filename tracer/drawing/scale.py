"""Gradient norm -> width and colour of a line, on a logarithmic scale over one picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tracer.drawing.style import RAMP
from tracer.graphs.items import Link, View


@dataclass(frozen=True, slots=True)
class Scale:
    """Least and greatest log10 of the norms in a picture."""

    low: float
    high: float

    @classmethod
    def of(cls, view: View) -> Scale:
        """Return the scale of a view; 0 to 0 where nothing was measured."""
        norms = [link.norm for link in view.links.values() if link.kind == "flow" and link.norm]
        logs = [math.log10(norm) for norm in norms if math.isfinite(norm) and norm > 0]
        return cls(min(logs), max(logs)) if logs else cls(0.0, 0.0)

    def kind(self, link: Link) -> str:
        """Return how a link is drawn: its kind, or what its gradient norm makes of it."""
        if link.kind != "flow":
            return link.kind
        if link.norm is None:
            return "none"
        if link.norm == 0:
            return "zero"
        return "flow" if math.isfinite(link.norm) else "nan"

    def level(self, norm: float) -> int:
        """Return the step of the ramp, from 0."""
        return min(len(RAMP) - 1, int(self._share(norm) * len(RAMP)))

    def width(self, norm: float) -> float:
        """Return the width in points."""
        return 1.0 + 2.6 * self._share(norm)

    def _share(self, norm: float) -> float:
        return 0.5 if self.high == self.low else (math.log10(norm) - self.low) / (self.high - self.low)
