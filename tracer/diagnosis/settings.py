"""The thresholds of the rules: one place, with defaults, set by ``--set TR302.ratio=1e-6`` or in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tracer.errors import UsageError

#: key -> (default, what it means). Only rules about magnitude or frequency have any; the others are exact.
THRESHOLDS: Mapping[str, tuple[float, str]] = MappingProxyType(
    {
        "TR301.dead": (3.0, "fewest measurements at the end with gradient zero for an activation to be called dead"),
        "TR302.ratio": (1e-5, "gradient, relative to the layers nearer to the loss, that is vanishing"),
        "TR302.saturated": (1e-6, "share of the gradient that a saturated activation lets through"),
        "TR302.layers": (4.0, "fewest layers or time steps along the depth for which a trend is judged"),
        "TR302.backwards": (2.0, "fewest backwards that reached the parameter"),
        "TR303.ratio": (1e5, "gradient, relative to the layers nearer to the loss, that is exploding"),
        "TR303.layers": (4.0, "fewest layers or time steps along the depth for which a trend is judged"),
        "TR303.backwards": (2.0, "fewest backwards that reached the parameter"),
        "TR404.share": (0.5, "share of skipped steps from which a run that also steps is warned about"),
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Thresholds that differ from the defaults: ``Settings({"TR302.ratio": 1e-5})``.

    Raises:
        UsageError: for a key that no rule has.
    """

    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.values:
            if key not in THRESHOLDS:
                raise UsageError(f"no rule has the setting {key!r}.", f"There are: {', '.join(THRESHOLDS)}.")

    def __getitem__(self, key: str) -> float:
        return self.values.get(key, THRESHOLDS[key][0])

    @classmethod
    def parse(cls, pairs: Mapping[str, object]) -> Settings:
        """Return settings from text values, as given on a command line or in a file.

        Raises:
            UsageError: for an unknown key or a value that is no number.
        """
        return cls({key: _number(key, text) for key, text in pairs.items()})


def _number(key: str, text: object) -> float:
    try:
        return float(str(text))
    except ValueError:
        raise UsageError(f"the setting {key} got {text!r}.", "It must be a number, such as 1e-6.") from None
