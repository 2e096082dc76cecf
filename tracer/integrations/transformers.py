"""A callback for the Hugging Face Trainer: ``Trainer(..., callbacks=[TracerCallback(every=100)])``."""

from __future__ import annotations

from typing import Any

from tracer.integrations.watching import Watcher, watch

try:
    from transformers import TrainerCallback
except ImportError:
    from tracer.errors import UsageError

    raise UsageError(
        "the Trainer callback needs the package transformers.", "Install it: pip install transformers."
    ) from None


class TracerCallback(TrainerCallback):  # type: ignore[misc]
    """Watches ``train``.

    Args:
        every: steps from one sample to the next.
        sink: where results go, as for ``tracer.watch``.
        options: ``first``, ``patience`` and ``detail``, as for ``tracer.watch``.

    Raises:
        UsageError: on import, when transformers is not installed.
    """

    def __init__(self, *, every: int = 100, sink: Any = "logging", **options: Any) -> None:
        self.watcher: Watcher | None = None
        self._every, self._sink, self._options = every, sink, options

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin, once model and optimizer are prepared."""
        model, optimizer = kwargs.get("model"), kwargs.get("optimizer")
        if model is not None and optimizer is not None:
            self.watcher = watch(model, optimizer, every=self._every, sink=self._sink, **self._options)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End."""
        if self.watcher is not None:
            self.watcher.unwatch()
