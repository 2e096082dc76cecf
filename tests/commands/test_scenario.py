"""``tracer SCENARIO`` and ``tracer all``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_scenario_prints_its_table_and_writes_its_folder(tmp_path: Path, tracer: Shell) -> None:
    result = tracer("trainable_unregistered", "--device", "cpu")
    assert result.returncode == 0, result.stderr
    assert "d_Linear.weight" in result.stdout
    folder = tmp_path / "outputs" / "trainable_unregistered"
    report = json.loads((folder / "report.json").read_text())
    rows = {row["name"]: row for row in report["parameters"]}
    assert rows["d_Linear.weight"]["verdict"] == "not_in_optimizer"
    assert rows["d_Linear.weight"]["grad"]["values"] == [[176, 237]]
    assert rows["a_Linear.bias"]["value"]["after"] == pytest.approx([-20.8])
    assert (folder / "graph.svg").read_text().count("<svg") == 1


def test_three_scenarios_are_set_side_by_side(tmp_path: Path, tracer: Shell) -> None:
    result = tracer("requires_grad", "--device", "cpu", "--format", "text,json")
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "outputs" / "requires_grad"
    assert (folder / "side_by_side.txt").read_text() == result.stdout
    assert "[[-10.6, -15.7]]" in result.stdout
    assert "Differ: d_Linear.weight, d_Linear.bias." in result.stdout
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        "frozen_registered",
        "trainable_registered",
        "trainable_unregistered",
    ]


def test_findings_of_a_scenario_fail_when_asked(tracer: Shell) -> None:
    args = ["--device", "cpu", "--quiet", "--format", "json", "--fail-on", "error"]
    assert tracer("trainable_unregistered", *args).returncode == 1


@pytest.mark.slow
def test_all_runs_every_scenario_and_writes_an_index(tmp_path: Path, tracer: Shell) -> None:
    result = tracer("all", "--device", "cpu", "--format", "json", "--out", "shown", timeout=600)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "77 scenarios: every parameter has the verdict that its scenario says"
    assert len(lines) == 78
    page = (tmp_path / "shown" / "index.html").read_text()
    folders = sorted(path.name for path in (tmp_path / "shown").iterdir() if path.is_dir())
    assert len(folders) == 77
    for name in folders:
        assert f'<article id="{name}"' in page


def test_a_scenario_writes_the_same_files_every_time(tmp_path: Path, tracer: Shell) -> None:
    for out in ("one", "two"):
        assert tracer("lora", "--device", "cpu", "--quiet", "--out", out).returncode == 0
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["graph.dot", "graph.svg", "report.html", "report.json", "report.txt", "trace.jsonl.gz"]
    for name in set(files) - {"trace.jsonl.gz"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
