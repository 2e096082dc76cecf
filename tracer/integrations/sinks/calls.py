"""Samples to a function of the user's."""

from __future__ import annotations

from collections.abc import Callable

from tracer.integrations.samples import Sample


class CallSink:
    """Calls ``function(sample)``."""

    def __init__(self, function: Callable[[Sample], object]) -> None:
        self._function = function

    def write(self, sample: Sample) -> None:
        self._function(sample)

    def close(self) -> None:
        """Nothing to finish."""
