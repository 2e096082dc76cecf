"""Samples to Python's ``logging``, logger ``tracer.watch``: findings as warnings, norms at debug level."""

from __future__ import annotations

import logging

from tracer.integrations.samples import Sample
from tracer.reports.words import clean


class LoggingSink:
    """Logs findings when they begin and end."""

    def __init__(self) -> None:
        self._log = logging.getLogger("tracer.watch")

    def write(self, sample: Sample) -> None:
        for begun in sample.started:
            level = logging.ERROR if begun.severity == "error" else logging.WARNING
            self._log.log(level, "step %d: %s", sample.step, begun.text)
        for over in sample.ended:
            names = ", ".join(clean(name, 120) for name in over.parameters)
            self._log.info("step %d: %s %s no longer holds for %s", sample.step, over.code, over.name, names)
        self._log.debug(
            "step %d: gradient norm %.4g over %d parameters", sample.step, sample.total_norm, len(sample.grad_norm)
        )

    def close(self) -> None:
        """Nothing to finish."""
