"""A Lightning callback: ``Trainer(callbacks=[TracerCallback(every=100)])``."""

from __future__ import annotations

from typing import Any

from tracer.integrations.samples import Sample
from tracer.integrations.watching import Watcher, watch

try:
    from lightning.pytorch.callbacks import Callback
except ImportError:
    try:
        from pytorch_lightning.callbacks import Callback
    except ImportError:
        from tracer.errors import UsageError

        raise UsageError(
            "the Lightning callback needs the package lightning.", "Install it: pip install lightning."
        ) from None


class TracerCallback(Callback):  # type: ignore[misc]
    """Watches ``fit``: norms and ratios go to the trainer's loggers, findings also to Python's log.

    Args:
        every: steps from one sample to the next.
        sink: further destinations, as for ``tracer.watch``.
        options: ``first``, ``patience`` and ``detail``, as for ``tracer.watch``.

    Raises:
        UsageError: on import, when Lightning is not installed.
    """

    def __init__(self, *, every: int = 100, sink: Any = "logging", **options: Any) -> None:
        super().__init__()
        self.watcher: Watcher | None = None
        self._every, self._options = every, options
        self._sinks = list(sink) if isinstance(sink, list | tuple) else [] if sink is None else [sink]

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin, once the optimizers are made."""
        if trainer.optimizers:
            loggers = [_Logger(logger) for logger in trainer.loggers]
            self.watcher = watch(
                pl_module, list(trainer.optimizers), every=self._every, sink=[*loggers, *self._sinks], **self._options
            )

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """End."""
        self._end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End, also when training raised; the exception passes."""
        self._end()

    def _end(self) -> None:
        if self.watcher is not None:
            self.watcher.unwatch()


class _Logger:
    """Hands samples to one of Lightning's loggers."""

    def __init__(self, logger: Any) -> None:
        self._logger = logger

    def write(self, sample: Sample) -> None:
        self._logger.log_metrics(sample.metrics(), step=sample.step)

    def close(self) -> None:
        """The logger is the trainer's."""
