"""Files that somebody made to do harm: each is refused in a sentence, quickly and in little memory."""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.fuzzing import fuzz
from tracer.errors import TraceFileError
from tracer.events import BackwardEnded, BackwardStarted, GraphSeen, Node, Noted
from tracer.store.jsonl import load, save
from tracer.traces import Header, Trace

HEAD = json.dumps({"format": "tracer.trace", "schema": 1, "header": {}}).encode() + b"\n"


def test_two_thousand_damaged_files_are_read_or_refused() -> None:
    told: list[str] = []
    counts = fuzz(30, seed=5, tell=told.append, most=2000)
    assert told == []
    assert counts["wrong"] == 0
    assert counts["refused"] > 200 and counts["read"] > 100 and counts["judged"] > 1


@pytest.mark.parametrize(
    "row",
    [
        b'["GradMeasured", {"step": 1, "leaf": 0, "when": "step", "norm": 1.0, "values": {"complex": ["x", 1]}}]',
        b'["GradMeasured", {"step": 1, "leaf": 0, "when": "step", "norm": {"complex": [1e999, 2]}}]',
        b'["GradMeasured", {"step": 1, "leaf": 0, "when": "s", "norm": 1, "values": [[1, "<script>"]]}]',
        b'["GradMeasured", {"step": 1, "leaf": 0, "when": "s", "norm": 1, "values": ' + b"[" * 99 + b"]" * 99 + b"}]",
        b'["Noted", {"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
        b'["Noted", {"text": ' + b"9" * 100_000 + b"}]",
        b'{"Noted": "x"}',
        b"\xff\xfe",
        b'["GraphSeen", {"graph": 0, "fingerprint": "", "truncated": 0, "nodes": 3, "edges": {}}]',
    ],
)
def test_a_hostile_line_is_refused_with_its_number(tmp_path: Path, row: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(HEAD + row + b"\n")
    with pytest.raises(TraceFileError, match=r"x\.jsonl is damaged at line 2: "):
        load(path)


@pytest.mark.parametrize("field", ['"norm": {}', '"norm": 1, "values": [[1, {}]]'])
def test_a_whole_number_that_no_float_can_hold_is_refused(tmp_path: Path, field: str) -> None:
    path = tmp_path / "x.jsonl"
    row = '["GradMeasured", {"step": 1, "leaf": 0, "when": "s", ' + field.format("1" + "0" * 400) + "}]"
    path.write_bytes(HEAD + row.encode() + b"\n")
    with pytest.raises(TraceFileError, match=r"damaged at line 2: .*holds a number of 1329 bits, which no float"):
        load(path)


def test_a_name_of_absurdly_many_levels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    row = ["ModuleSeen", {"module": 0, "model": 0, "path": "a." * 5_000 + "b", "cls": "Net"}]
    path.write_bytes(HEAD + json.dumps(row).encode() + b"\n")
    with pytest.raises(TraceFileError, match=r"line 2: ModuleSeen holds a name of 5,000 levels; at most 2,000 are"):
        load(path)


def test_a_huge_number_in_a_complex_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    number = "1" + "0" * 400
    row = f'["GradMeasured", {{"step": 1, "leaf": 0, "when": "s", "norm": 1, "values": {{"complex": [{number}, 1]}}}}]'
    path.write_bytes(HEAD + row.encode() + b"\n")
    with pytest.raises(TraceFileError, match="damaged at line 2"):
        load(path)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((BackwardStarted(1, 0, "backward", 0, (0,)),), "BackwardStarted.graph 0 was not seen before"),
        (
            (GraphSeen(0, "f", (Node("A"),), ()), BackwardStarted(1, 0, "backward", 0, (1,))),
            "BackwardStarted.roots holds node 1 of a graph with 1",
        ),
        ((GraphSeen(0, "f", (), ()), GraphSeen(0, "g", (), ())), "GraphSeen.graph 0 comes twice"),
        (
            (
                GraphSeen(0, "f", (Node("A"),), ()),
                BackwardStarted(1, 0, "backward", 0, (0,)),
                BackwardEnded(1, 0, norms=(1.0, 2.0)),
            ),
            "BackwardEnded.norms holds 2 numbers for 1 nodes",
        ),
        (
            (
                GraphSeen(0, "f", (Node("A"),), ()),
                BackwardStarted(1, 0, "backward", 0, (0,)),
                BackwardEnded(1, 0, culprits=((-1, "nan"),)),
            ),
            "BackwardEnded.culprits holds node -1 of a graph with 1",
        ),
    ],
)
def test_numbers_that_lead_to_no_node_are_damage(tmp_path: Path, events: tuple[object, ...], reason: str) -> None:
    path = save(Trace(Header(), events), tmp_path / "x.gz")  # type: ignore[arg-type]
    with pytest.raises(TraceFileError, match=reason):
        load(path)


def test_a_decompression_bomb_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(HEAD)
        for _ in range(30):
            file.write(b" " * 10_000_000)
    assert path.stat().st_size < 3_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(TraceFileError, match="damaged at line 2"):
        load(path)
    assert time.monotonic() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000  # KiB: one line is at most 256 MiB


def test_reading_runs_no_code_of_the_file(tmp_path: Path) -> None:
    """Neither pickle nor eval are even loaded by the reader."""
    save(Trace(Header(), (Noted("__import__('os').abort()"),)), tmp_path / "x.gz")
    code = (
        "import sys, builtins\n"
        "from tracer.store.jsonl import load\n"
        f"load({str(tmp_path / 'x.gz')!r})\n"  # the first time, annotations of our own classes are evaluated
        "builtins.eval = builtins.exec = builtins.compile = builtins.__import__ = None\n"
        f"load({str(tmp_path / 'x.gz')!r})\n"
        "assert not {'pickle', 'yaml', 'torch'} & set(sys.modules), 'a loader of code'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
