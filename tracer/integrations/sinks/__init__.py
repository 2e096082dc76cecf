"""Where the samples of a long run go: one file per destination; each imports its library when it is used."""

from __future__ import annotations

from typing import Any, Protocol

from tracer.errors import UsageError
from tracer.integrations.samples import Sample

#: What ``sink=`` takes as a word.
WORDS = ("logging", "tensorboard", "wandb", "mlflow")


class Sink(Protocol):
    """Takes samples."""

    def write(self, sample: Sample) -> None:
        """Take one sample; what it raises is told once, and the sink is dropped."""

    def close(self) -> None:
        """Finish; called once."""


def sinks_of(given: Any) -> list[Sink]:
    """Return the sinks for what the user gave: a word, a path, a writer, a run, a function, or a list of these.

    Raises:
        UsageError: for anything else, and for a library that is not installed.
    """
    if given is None:
        return []
    several = given if isinstance(given, list | tuple) else [given]
    return [_sink(one) for one in several]


def _sink(given: Any) -> Sink:
    from tracer.integrations.sinks import calls, jsonl, logs, mlflow, tensorboard, wandb

    if hasattr(given, "write") and hasattr(given, "close"):
        return given  # type: ignore[no-any-return]
    if hasattr(given, "add_scalar"):
        return tensorboard.TensorBoardSink(given)
    if type(given).__module__.partition(".")[0] == "wandb":
        return wandb.WandbSink(given)
    if type(given).__module__.partition(".")[0] == "mlflow":
        return mlflow.MlflowSink(given)
    text = str(given) if isinstance(given, str) or hasattr(given, "__fspath__") else ""
    if text.endswith(".jsonl"):
        return jsonl.JsonlSink(text)
    match text:
        case "logging":
            return logs.LoggingSink()
        case "tensorboard":
            return tensorboard.TensorBoardSink.made()
        case "wandb":
            return wandb.WandbSink.made()
        case "mlflow":
            return mlflow.MlflowSink()
    if callable(given):
        return calls.CallSink(given)
    raise UsageError(
        f"sink is {given!r}.",
        f"It may be {', '.join(map(repr, WORDS))}, a path ending in .jsonl, a writer, a run or a function.",
    )


def missing(library: str) -> UsageError:
    """Return what to raise when the library behind a sink is not installed."""
    return UsageError(f"the sink {library!r} needs the package {library}.", f"Install it: pip install {library}.")
