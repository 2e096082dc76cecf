"""The MLflow sink against a real store in a folder: names it takes, one run, every finding kept."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import tracer
from tracer.integrations.samples import Sample, Told
from tracer.integrations.sinks import sinks_of

pytestmark = [
    pytest.mark.integration,
    # MLflow wants a database in place of a folder of files; the small package mlflow-skinny brings none
    pytest.mark.filterwarnings("ignore:The filesystem tracking backend:FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow.*"),
]
ENVIRONMENT = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mlflow_run.py"
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = pytest.importorskip("mlflow")
    found.set_tracking_uri((tmp_path / "runs").as_uri())
    yield found
    while found.active_run():
        found.end_run()
    found.set_tracking_uri(None)


def steps_of(mlflow: Any, run_id: str, name: str) -> list[int]:
    return [metric.step for metric in mlflow.MlflowClient().get_metric_history(run_id, name)]


def runs(mlflow: Any) -> list[Any]:
    client = mlflow.MlflowClient()
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def told(code: str, name: str) -> Told:
    return Told(code, "cut", "error", (name,), f"{code} cut: {name}")


def test_the_example_leaves_norms_and_the_finding_in_the_run(mlflow: Any, python: Shell, tmp_path: Path) -> None:
    done = python(EXAMPLE, MLFLOW_TRACKING_URI=mlflow.get_tracking_uri())
    assert done.returncode == 0, done.stderr[-2000:]
    run = mlflow.get_run(done.stdout.split("run ")[-1].strip())
    assert set(run.data.metrics) == {
        *(f"grad_norm/{name}" for name in ("0.weight", "0.bias", "2.weight", "2.bias")),
        *(f"update_ratio/{name}" for name in ("0.weight", "0.bias")),
        "grad_norm_total",
    }
    assert steps_of(mlflow, run.info.run_id, "grad_norm/2.bias") == [1, 5, 10, 15, 20]
    assert run.data.tags["tracer.TR101"].startswith("step 5: TR101 not_in_optimizer: 2.weight, 2.bias")


def test_names_with_brackets_and_signs_are_spelled_as_mlflow_takes_them(mlflow: Any) -> None:
    norms = {"maps['a'].weight": 1.0, "maps.a.weight": 2.0, "cells[0].w": 3.0, "b#/..": float("nan"), "n" * 300: 4.0}
    with mlflow.start_run() as run:
        sinks_of("mlflow")[0].write(Sample(7, norms))
    metrics = mlflow.get_run(run.info.run_id).data.metrics
    long = "grad_norm/" + "n" * 200
    assert metrics.pop("grad_norm/b__..") != metrics.pop("grad_norm_total")  # NaN both
    assert metrics == {
        "grad_norm/maps.a.weight": 1.0, "grad_norm/maps.a.weight_2": 2.0, "grad_norm/cells.0.w": 3.0, long: 4.0,
    }  # fmt: skip
    assert steps_of(mlflow, run.info.run_id, long) == [7]


def test_more_numbers_than_one_request_takes_all_arrive(mlflow: Any) -> None:
    with mlflow.start_run() as run:
        sinks_of(run)[0].write(Sample(1, {f"layer{i}.weight": 1.0 for i in range(1100)}))
    assert len(mlflow.get_run(run.info.run_id).data.metrics) == 1101


def test_samples_after_the_block_of_the_run_open_no_other_run(mlflow: Any) -> None:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step() -> None:
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    with tracer.watch(net, optimizer, every=1, sink="mlflow"):
        with mlflow.start_run():
            step()
        step()
        step()
    assert mlflow.active_run() is None
    (run,) = runs(mlflow)
    assert steps_of(mlflow, run.info.run_id, "grad_norm/weight") == [1, 2, 3]


def test_two_findings_of_one_code_and_their_end_all_stand_in_its_tag(mlflow: Any) -> None:
    with mlflow.start_run() as run:
        (sink,) = sinks_of(run)
        sink.write(Sample(3, started=(told("TR202", "a"), told("TR202", "b"))))
        sink.write(Sample(9, ended=(told("TR202", "a"),)))
    assert mlflow.get_run(run.info.run_id).data.tags["tracer.TR202"] == (
        "step 3: TR202 cut: a\n\nTR202 cut: b\n\nstep 9: no longer holds for a"
    )
