"""Wrong usage and unreadable input: one sentence on stderr, status 2, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.events import Noted
from tracer.store.jsonl import save
from tracer.traces import Header, Trace

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def check_refused(result: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("tracer: ")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["requires_gard"], "there is no scenario or command 'requires_gard'. Did you mean requires_grad"),
        (["rnu"], "there is no scenario or command 'rnu'. Did you mean run"),
        (["qqqqqq"], "there is no scenario or command 'qqqqqq'. 'tracer list' shows all scenarios."),
        (["--nonsense"], "No such option"),
        (["requires_grad", "--steps", "0"], "Invalid value for '--steps'"),
        (["requires_grad", "--format", "pdf2"], "there is no format 'pdf2'. The formats are text, "),
        (["requires_grad", "--fail-on", "info"], "Invalid value for '--fail-on'"),
        (["requires_grad", "--device", "tpu"], "Invalid value for '--device'"),
        (["run"], "Missing argument"),
        (["run", "nowhere.py"], "there is no script nowhere.py."),
        (["run", "."], ". is a directory without __main__.py. Name a Python script."),
        (["run", "-m", "no_such_module"], "there is no module named 'no_such_module'."),
        (["report"], "Missing argument 'TRACE'."),
        (["report", "nowhere"], "there is no trace at nowhere."),
        (["explain", "nowhere", "weight"], "there is no trace at nowhere."),
        (["diff", "nowhere", "nowhere"], "there is no trace at nowhere."),
        (["merge", "nowhere"], "merge needs --out DIR."),
        (["merge", "nowhere", "--out", "x"], "there is no trace at nowhere."),
        (["rules", "TR999x"], "there is no rule 'TR999x'."),
    ],
)
def test_a_mistake_gets_one_sentence(tracer: Shell, args: list[str], sentence: str) -> None:
    check_refused(tracer(*args), sentence)


def test_cuda_without_a_device_gets_one_sentence(tracer: Shell) -> None:
    result = tracer("requires_grad", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    check_refused(result, "Use --device cpu.")


@pytest.mark.parametrize("command", [["requires_grad"], ["run", "ok.py"]])
def test_an_unwritable_folder_is_refused_before_anything_runs(
    tmp_path: Path, tracer: Shell, command: list[str]
) -> None:
    (tmp_path / "ok.py").write_text("print('ran')")
    (tmp_path / "file").write_text("")
    result = tracer(command[0], "--out", "file/sub", *command[1:])
    check_refused(result, "file/sub: ")
    assert "Give --out a folder to write to." in result.stderr


def test_a_foreign_file_is_refused(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "notes.txt").write_text("not a trace\n")
    check_refused(tracer("report", "notes.txt"), "notes.txt is no trace: line 1 is not the header")


def test_a_foreign_file_of_one_unfinished_line_is_refused(tmp_path: Path, tracer: Shell) -> None:
    (tmp_path / "notes.txt").write_text("print('no trace')")
    check_refused(tracer("report", "notes.txt"), "notes.txt is no trace: line 1 is not the header")


def test_a_reader_that_has_gone_ends_the_command_quietly(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        command = [sys.executable, "-m", "tracer.trace", "list"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        result = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, env=env, cwd=tmp_path, timeout=60)
    assert (result.returncode, result.stderr) == (141, b"")


def test_of_a_damaged_trace_what_can_be_read_is_reported(tmp_path: Path, tracer: Shell) -> None:
    path = save(Trace(Header(), (Noted("first"), Noted("second"))), tmp_path / "t.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], "broken\n", *lines[2:]]))
    result = tracer("report", "t.jsonl", "--format", "json", "--out", "out")
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == (
        "tracer: t.jsonl is damaged at line 3: it is no JSON; 1 events could be read before it."
    )
    assert "first" in (tmp_path / "out" / "report.json").read_text()
