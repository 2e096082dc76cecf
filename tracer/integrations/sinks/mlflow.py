"""Samples to MLflow: metrics ``grad_norm/NAME`` and ``update_ratio/NAME``, findings as tags of one run."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any

from tracer.integrations.samples import Sample

#: What every MLflow server takes: characters of a tag, metrics in one request, and of a metric's name (of 250
#: characters) what is left for the parameter.
LONGEST_TAG, MOST_METRICS, LONGEST_PARAMETER = 5000, 1000, 200


class MlflowSink:
    """Logs to one run: the one given, else the one that is active at the first sample, else a new one.

    The run stays the same when the user's ``with mlflow.start_run()`` has ended, so that no sample opens another.
    """

    def __init__(self, run: Any = None) -> None:
        from tracer.integrations.sinks import missing

        try:
            import mlflow
        except ImportError:
            raise missing("mlflow") from None
        self._mlflow, self._client = mlflow, mlflow.MlflowClient()
        self._run_id: str | None = run and run.info.run_id
        self._texts: dict[str, str] = {}  #: code -> all that was told of it, because a tag holds one value

    def write(self, sample: Sample) -> None:
        if self._run_id is None:
            self._run_id = (self._mlflow.active_run() or self._mlflow.start_run()).info.run_id
        entities, now = self._mlflow.entities, int(time.time() * 1000)
        numbers = sample.metrics()
        metrics = [
            entities.Metric(name, value, now, sample.step)
            for name, value in zip(metric_names(numbers), numbers.values(), strict=True)
        ]
        for first in range(0, len(metrics), MOST_METRICS):
            self._client.log_batch(self._run_id, metrics=metrics[first : first + MOST_METRICS])
        for code, text in sample.texts().items():
            self._texts[code] = f"{self._texts.get(code, '')}\n\nstep {sample.step}: {text}".strip()
            self._client.set_tag(self._run_id, f"tracer.{code}", self._texts[code][-LONGEST_TAG:])

    def close(self) -> None:
        """The run is the user's."""


def metric_names(names: Iterable[str]) -> list[str]:
    """Return the names as MLflow allows them, each once: ``maps['a'].weight`` becomes ``maps.a.weight``."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        kind, _, parameter = name.partition("/")
        dotted = re.sub(r"\[['\"]?(.*?)['\"]?\]", r".\1", parameter)
        allowed = re.sub(r"[^\w.\- ]", "_", dotted)[-LONGEST_PARAMETER:]
        clean = f"{kind}/{allowed}" if allowed else kind
        taken[clean] = taken.get(clean, 0) + 1
        found.append(clean if taken[clean] == 1 else f"{clean}_{taken[clean]}")
    return found
