"""Each example runs as its docstring says, from outside the repository, and ends in the right table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")))


def rows(folder: Path) -> dict[str, dict[str, Any]]:
    report = json.loads((folder / "report.json").read_text())
    return {row["name"]: row for row in report["parameters"]}


def test_the_plain_script_is_traced_unmodified(tmp_path: Path, examples: Path, tracer: Shell, python: Shell) -> None:
    plain = python("mine/spirals.py", "--steps", "20")
    result = tracer("run", "--format", "text,json,dot", "mine/spirals.py", "--steps", "20")
    assert result.returncode == 0, result.stderr
    assert result.stdout == plain.stdout
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["step", "0"], ["step", "10"]]
    found = rows(tmp_path / "tracer-out")
    assert {name: row["verdict"] for name, row in found.items()} == {
        "encoder.0.weight": "cut",
        "encoder.0.bias": "cut",
        "encoder.2.weight": "cut",
        "encoder.2.bias": "cut",
        "head.weight": "updated",
        "head.bias": "updated",
    }
    where = found["encoder.0.weight"]["where"][0]
    line = next(i for i, text in enumerate((examples / "spirals.py").read_text().splitlines(), 1) if "detach()" in text)
    function = "Classifier.forward" if sys.version_info >= (3, 11) else "forward"  # code knows no class before
    assert (where["file"], where["line"], where["function"]) == ("mine/spirals.py", line, function)


def test_a_transformers_gpt2_is_traced_unmodified(tmp_path: Path, examples: Path, tracer: Shell) -> None:
    pytest.importorskip("transformers")
    result = tracer("run", "--format", "json,svg", "mine/tiny_gpt2.py")
    assert result.returncode == 0, result.stderr
    found = rows(tmp_path / "tracer-out")
    assert Counter(row["verdict"] for row in found.values()) == {"updated": 27, "frozen": 1}
    assert found["transformer.wpe.weight"]["verdict"] == "frozen"
    assert found["transformer.wte.weight"]["aliases"] == ["lm_head.weight"]
    assert found["transformer.h.1.mlp.c_fc.weight"]["grad"]["accumulated"] == 3
    assert "tracer: All is well: 27 of 28 parameters updated, 1 of 28 frozen." in result.stderr
    picture = (tmp_path / "tracer-out" / "graph.svg").read_text()
    assert "transformer.wte.weight" in picture or "wte.weight" in picture


def test_a_loop_of_ones_own_records_one_step(tmp_path: Path, examples: Path, python: Shell) -> None:
    result = python("mine/own_loop.py", "shown")
    assert result.returncode == 0, result.stderr
    text = (examples / "own_loop.py").read_text().splitlines()
    line = next(i for i, code in enumerate(text, 1) if ".item())" in code)
    assert result.stdout.splitlines()[0] == f"temperature: cut at line {line}"
    assert sorted(path.name for path in (tmp_path / "shown").iterdir()) == ["graph.svg", "trace.jsonl.gz"]


def test_the_pytest_example_passes(examples: Path, python: Shell) -> None:
    result = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "mine/test_model.py")
    assert result.returncode == 0, result.stdout
    assert result.stdout.splitlines()[-1].startswith("3 passed")


def test_every_example_is_run_by_some_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).resolve().parents[1].rglob("test_*.py"))
    assert [
        path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb") and path.stem not in tests
    ] == []
