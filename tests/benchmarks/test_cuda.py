"""The benchmark for GPUs, as far as it runs without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from benchmarks import cuda  # noqa: E402


def test_without_a_gpu_nothing_is_written_and_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    done = CliRunner().invoke(cuda.main, ["--out", str(tmp_path / "results.json")])
    assert done.exit_code == 2
    assert "there is no CUDA device here: nothing was measured" in done.output
    assert list(tmp_path.iterdir()) == []


def test_ratios_are_those_of_medians() -> None:
    found = cuda.result({"untraced": [1.0, 2.0, 9.0], "naive": [4.0, 3.0, 3.0]}, {"untraced": 0, "naive": 7}, {})
    assert found["naive"] == {"ms per step": 3000.0, "x untraced": 1.5, "waits per step": 7}
    assert found["rounds"] == 3


def test_every_watcher_runs_every_round() -> None:
    training = cuda.gpt2(layers=1, width=64, batch=1, length=4, device="cpu")
    seconds = cuda.measure(training, 1, 1, lambda: None)
    assert {name: len(times) for name, times in seconds.items()} == dict.fromkeys(cuda.OURS, 1)
