"""Samples to TensorBoard: scalars ``grad_norm/NAME`` and ``update_ratio/NAME``, findings as text."""

from __future__ import annotations

from typing import Any

from tracer.integrations.samples import Sample


class TensorBoardSink:
    """Writes to a ``SummaryWriter``; closes it only when it made it."""

    def __init__(self, writer: Any, *, mine: bool = False) -> None:
        self._writer, self._mine = writer, mine

    @classmethod
    def made(cls) -> TensorBoardSink:
        """Return a sink with a writer of its own, in ``runs/``.

        Raises:
            UsageError: when the package tensorboard is not installed.
        """
        from tracer.integrations.sinks import missing

        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise missing("tensorboard") from None
        return cls(SummaryWriter(), mine=True)

    def write(self, sample: Sample) -> None:
        for name, value in sample.metrics().items():
            self._writer.add_scalar(name, value, sample.step)
        for code, text in sample.texts().items():
            self._writer.add_text(f"tracer/{code}", f"    {text}".replace("\n", "\n    "), sample.step)

    def close(self) -> None:
        self._writer.flush()
        if self._mine:
            self._writer.close()
