"""Options of the picture on the command line: what it opens, and what happens without an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.store.jsonl import save
from tracer.traces import Trace

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path, blocks: Callable[..., Trace]) -> Path:
    """A folder with the trace of twelve blocks, one of them cut."""
    (tmp_path / "run").mkdir()
    save(blocks(12, cut=8), tmp_path / "run" / "trace.jsonl.gz")
    return tmp_path / "run"


def test_the_picture_opens_what_is_asked_for(folder: Path, tracer: Shell) -> None:
    result = tracer("report", folder, "--format", "dot", "--quiet", "--focus", "8.lin")
    assert result.returncode == 0, result.stderr
    text = (folder / "graph.dot").read_text(encoding="utf-8")
    assert '"leaf-16" [' in text
    assert '"leaf-0" [' not in text


def test_only_problems_leaves_the_rest_out(folder: Path, tracer: Shell) -> None:
    tracer("report", folder, "--format", "dot", "--quiet", "--depth", "3", "--only-problems")
    text = (folder / "graph.dot").read_text(encoding="utf-8")
    assert '"leaf-16" [' in text
    assert "✓ updated" not in text


def test_without_an_engine_the_dot_is_written_and_one_line_says_what_to_install(folder: Path, tracer: Shell) -> None:
    result = tracer("report", folder, "--format", "svg,html", "--quiet", "--engine", "dot", PATH="")
    assert result.returncode == 0
    assert (folder / "graph.dot").is_file()
    assert not (folder / "graph.svg").exists()
    assert len(result.stderr.splitlines()) == 1
    assert "the layout engine dot is not installed. Install one: pip install graphviz-pure" in result.stderr


def test_an_unknown_engine_is_one_sentence(folder: Path, tracer: Shell) -> None:
    result = tracer("report", folder, "--format", "svg", "--quiet", "--engine", "neato")
    assert "there is no layout engine 'neato'. Choose one of dot, graphviz-pure." in result.stderr
    assert "Traceback" not in result.stderr
