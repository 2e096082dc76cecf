"""Samples to Weights & Biases: ``gradients/NAME`` (norms), ``update_ratio/NAME``, findings as text."""

from __future__ import annotations

from typing import Any

from tracer.integrations.samples import Sample


class WandbSink:
    """Logs to a run, each sample in one call; does not finish the run.

    ``tracer/step`` is logged along, because W&B counts its own steps.
    """

    def __init__(self, run: Any) -> None:
        self._run = run

    @classmethod
    def made(cls) -> WandbSink:
        """Return a sink for the run that is open, or a new one.

        Raises:
            UsageError: when the package wandb is not installed.
        """
        from tracer.integrations.sinks import missing

        try:
            import wandb
        except ImportError:
            raise missing("wandb") from None
        return cls(wandb.run or wandb.init())

    def write(self, sample: Sample) -> None:
        texts = {f"tracer/{code}": text for code, text in sample.texts().items()}
        self._run.log({**sample.metrics("gradients"), "tracer/step": sample.step, **texts})

    def close(self) -> None:
        """The run is the user's."""
