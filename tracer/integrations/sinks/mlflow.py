"""Samples to MLflow: metrics ``grad_norm/NAME`` and ``update_ratio/NAME``, findings as tags of the active run."""

from __future__ import annotations

from tracer.integrations.samples import Sample

#: Longest value of a tag that an MLflow server takes, in characters.
LONGEST = 5000


class MlflowSink:
    """Logs to the active run, or to a new one as MLflow itself does."""

    def __init__(self) -> None:
        from tracer.integrations.sinks import missing

        try:
            import mlflow
        except ImportError:
            raise missing("mlflow") from None
        self._mlflow = mlflow

    def write(self, sample: Sample) -> None:
        self._mlflow.log_metrics(sample.metrics(), step=sample.step)
        for begun in sample.started:
            self._mlflow.set_tag(f"tracer.{begun.code}", f"step {sample.step}: {begun.text}"[:LONGEST])
        for over in sample.ended:
            self._mlflow.set_tag(
                f"tracer.{over.code}", f"step {sample.step}: ended for {', '.join(over.parameters)}"[:LONGEST]
            )

    def close(self) -> None:
        """The run is the user's."""
