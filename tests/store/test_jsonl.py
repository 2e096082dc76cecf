"""Traces in files: what comes back, what is refused, what is salvaged."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.errors import TraceFileError, UsageError
from tracer.events import (
    SCHEMA,
    BackwardEnded,
    BackwardStarted,
    GradMeasured,
    GraphSeen,
    Group,
    GroupsSeen,
    LeafSeen,
    Node,
    Noted,
    PlaceSeen,
)
from tracer.store.encoding import KINDS
from tracer.store.jsonl import DamagedTraceError, load, save
from tracer.traces import Header, Trace

EVENTS = (
    PlaceSeen(0, "train.py", 34, "Net.forward", ("a = 1", "b = a.detach()"), 33),
    LeafSeen(0, None, 'w\n<b>&"', ("tied.weight",), (2, 3), "float32", "cpu", True, "parameter", place=0),
    GroupsSeen(1, 0, (Group((0, 1), 0.1, None, 0.9), Group((), None))),
    GraphSeen(
        0,
        "f00d",
        (Node("AddBackward0", 1, 2, "add"), Node("AccumulateGrad", leaf=0), Node("AddBackward0", op="add")),
        ((0, 1, 0), (0, 2, 1)),
        truncated=3,
    ),
    BackwardStarted(1, 0, "backward", 0, (0,), inputs=(), root_value=math.nan),
    BackwardEnded(1, 0, norms=(1.5, None, math.inf), order=(0, 2, 1), culprits=((2, "nan"),)),
    GradMeasured(1, 0, "step", -math.inf, 0.0, False, values=[[1, 2.0], [math.nan, -math.inf]]),
    GradMeasured(1, 0, "backward", None, values=((0.5, 1 + 2j), [3])),
    Noted("nan"),
)
TRACE = Trace(Header(torch="2.13.0", steps=1, backwards=1, rank=1, world_size=4), EVENTS)


def lines_of(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines(keepends=True)


def write_lines(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(gzip.compress(b"".join(lines)))
    return path


@pytest.mark.parametrize("name", ["run.jsonl.gz", "run.jsonl", "run.trace"])
def test_a_saved_trace_loads_as_it_was(tmp_path: Path, name: str) -> None:
    assert repr(load(save(TRACE, tmp_path / name))) == repr(TRACE)


def test_every_event_kind_is_known_to_the_store() -> None:
    assert {"PlaceSeen", "GraphSeen", "CutFound", "Noted"} <= set(KINDS)
    assert "Node" not in KINDS and "Event" not in KINDS


def test_the_same_trace_gives_the_same_bytes(tmp_path: Path) -> None:
    assert save(TRACE, tmp_path / "a.gz").read_bytes() == save(TRACE, tmp_path / "b.gz").read_bytes()


def test_a_file_holds_strict_json_with_the_header_first(tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    rows = [json.loads(line, parse_constant=refuse) for line in lines_of(save(TRACE, tmp_path / "x.gz"))]
    assert rows[0]["format"] == "tracer.trace"
    assert rows[0]["events"] == 9
    assert rows[0]["header"]["world_size"] == 4
    assert rows[1] == ["PlaceSeen", {
        "place": 0, "file": "train.py", "line": 34, "function": "Net.forward",
        "code": ["a = 1", "b = a.detach()"], "first": 33,
    }]  # fmt: skip


def test_a_folder_stands_for_the_trace_in_it(tmp_path: Path) -> None:
    save(TRACE, tmp_path / "trace.jsonl.gz")
    assert load(tmp_path).header == TRACE.header


def test_a_folder_of_ranks_asks_for_one_of_them(tmp_path: Path) -> None:
    save(TRACE, tmp_path / "rank1" / "trace.jsonl.gz")
    with pytest.raises(TraceFileError, match=r"holds the traces of 1 ranks\. Name one of them, such as .*rank1"):
        load(tmp_path)


def test_saving_leaves_nothing_behind_when_it_fails(tmp_path: Path) -> None:
    broken = Trace(Header(), (Noted(object()),))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        save(broken, tmp_path / "x.gz")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_path_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*file/x\.gz: .*"):
        save(TRACE, tmp_path / "file" / "x.gz")


# --------------------------------------------------------------------------- newer versions


def test_what_a_newer_version_wrote_is_skipped_with_notes(tmp_path: Path) -> None:
    lines = lines_of(save(Trace(Header(), (Noted("kept"),)), tmp_path / "x.gz"))
    head = json.loads(lines[0])
    head.update(schema=SCHEMA + 1, events=4)
    head["header"]["colour"] = "blue"
    rows = [head, ["Teleported", {"to": 1}], ["Teleported", {}], ["Noted", {"text": "also", "tone": 3}]]
    path = write_lines(tmp_path / "y.gz", [json.dumps(row).encode() + b"\n" for row in rows] + lines[1:])
    trace = load(path)
    assert trace.header == Header()
    assert trace.notes == (
        "also",
        "kept",
        "The trace was written in event format 2; this tracer knows format 1.",
        "Events of a kind that this tracer does not know were skipped: 2 x 'Teleported'.",
        "Fields that this tracer does not know were skipped: Header.colour, Noted.tone.",
    )


def test_a_field_that_an_older_version_lacked_has_its_default(tmp_path: Path) -> None:
    head = {"format": "tracer.trace", "schema": 1, "events": 1, "header": {}}
    row = ["GradAccumulated", {"step": 1, "backward": 0, "leaf": 0}]
    path = write_lines(tmp_path / "x.gz", [json.dumps(each).encode() + b"\n" for each in (head, row)])
    assert load(path).events[0].stale is False  # type: ignore[attr-defined]


# --------------------------------------------------------------------------- cut off, damaged, foreign


def test_a_file_cut_inside_its_compressed_data_gives_what_it_holds(tmp_path: Path) -> None:
    many = Trace(Header(), tuple(Noted(f"{i * 7919 % 10007}") for i in range(5000)))
    path = save(many, tmp_path / "x.gz")
    path.write_bytes(path.read_bytes()[:9000])
    trace = load(path)
    read = len(trace.events) - 1
    assert 100 < read < 5000
    assert trace.events[:read] == many.events[:read]
    assert not trace.header.finished
    assert trace.notes[-1] == f"The trace file is cut off at line {read + 2}: {read} of 5000 events could be read."


def test_a_file_that_lacks_its_last_lines_is_cut_off(tmp_path: Path) -> None:
    lines = lines_of(save(TRACE, tmp_path / "x.gz"))
    trace = load(write_lines(tmp_path / "y.gz", lines[:4]))
    assert repr(trace.events[:3]) == repr(EVENTS[:3])
    assert trace.notes == ("The trace file is cut off at line 4: 3 of 9 events could be read.",)
    assert not trace.header.finished


def test_a_half_written_last_line_is_left_out(tmp_path: Path) -> None:
    path = save(TRACE, tmp_path / "x.jsonl")
    path.write_bytes(path.read_bytes()[:-5])
    assert len(load(path).events) == 9  # eight events and the note
    assert not load(path).header.finished


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"nonsense", "it is no JSON"),
        (b"[1]", "it holds no event"),
        (b'["Noted", {}]', "Noted lacks its field 'text'"),
        (b'["Noted", {"text": 5}]', "Noted.text holds '5', which is not allowed there"),
        (b'["Noted", []]', "Noted is no JSON object"),
        (
            b'["GradAccumulated", {"step": true, "backward": 0, "leaf": 0}]',
            "GradAccumulated.step holds 'True'",
        ),
        (b'["GraphSeen", {"graph": 0, "fingerprint": "", "nodes": 7}]', "GraphSeen cannot be read"),
    ],
)
def test_damage_in_the_middle_says_its_line_and_keeps_what_came_before(tmp_path: Path, row: bytes, reason: str) -> None:
    lines = lines_of(save(TRACE, tmp_path / "x.gz"))
    path = write_lines(tmp_path / "y.gz", [*lines[:3], row + b"\n", *lines[4:]])
    with pytest.raises(DamagedTraceError) as caught:
        load(path)
    assert f"y.gz is damaged at line 4: {reason}" in str(caught.value)
    assert str(caught.value).endswith("; 2 events could be read before it.")
    assert caught.value.partial.events[:2] == EVENTS[:2]
    assert not caught.value.partial.header.finished


@pytest.mark.parametrize("change", [{"to": [9]}, {"from": [-1]}, {"slot": ["0"]}])
def test_a_graph_whose_edges_lead_nowhere_is_damage(tmp_path: Path, change: dict[str, list[object]]) -> None:
    nodes = (Node("A"), Node("B"))
    lines = lines_of(save(Trace(Header(), (GraphSeen(0, "f", nodes, ((0, 1, 0),)),)), tmp_path / "x.gz"))
    row = json.loads(lines[1])
    row[1]["edges"].update(change)
    with pytest.raises(DamagedTraceError, match="damaged at line 2: GraphSeen cannot be read"):
        load(write_lines(tmp_path / "y.gz", [lines[0], json.dumps(row).encode() + b"\n"]))


def test_flipped_bits_are_damage_and_not_a_crash(tmp_path: Path) -> None:
    data = bytearray(save(TRACE, tmp_path / "x.gz").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "x.gz").write_bytes(data)
    with pytest.raises(TraceFileError):
        load(tmp_path / "x.gz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty: there is no line 1. It is no trace."),
        (b"hello\nworld\n", "is no trace: line 1 is not the header that tracer writes."),
        (b'{"format": "other"}\n', "is no trace: line 1 is not the header that tracer writes."),
        (b"\x89PNG\r\n\x1a\n\0\0", "is no trace: line 1 is not the header that tracer writes."),
        (b"\x1f\x8b\x08", "is cut off in line 1: nothing of it could be read."),
        (gzip.compress(b"[]\n"), "is no trace: line 1 is not the header that tracer writes."),
    ],
)
def test_a_foreign_file_is_refused_in_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(TraceFileError) as caught:
        load(path)
    assert message in str(caught.value)


def test_a_missing_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TraceFileError, match=r"there is no trace at .*nowhere"):
        load(tmp_path / "nowhere")


def test_a_small_file_that_unpacks_to_very_much_is_refused(tmp_path: Path) -> None:
    lines = lines_of(save(Trace(), tmp_path / "x.gz"))
    path = write_lines(tmp_path / "bomb.gz", [*lines, b" " * 5_000_000 + b"\n"])
    assert path.stat().st_size < 10_000
    with pytest.raises(TraceFileError, match="unpacks to more than the 1,000,000 bytes"):
        load(path, max_bytes=1_000_000)


# --------------------------------------------------------------------------- properties

numbers = st.none() | st.floats() | st.integers(-(2**60), 2**60)
values = st.recursive(numbers | st.complex_numbers(), lambda inner: st.lists(inner) | st.tuples(inner), max_leaves=9)


@given(norm=st.none() | st.floats(), kept=values, name=st.text(), norms=st.lists(st.none() | st.floats()))
def test_any_numbers_and_names_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    norm: float | None,
    kept: object,
    name: str,
    norms: list[float | None],
) -> None:
    leaf = LeafSeen(0, None, name, (name, ""), (), "float32", "cpu", True, "input")
    measured = GradMeasured(1, 0, name, norm, values=kept)
    trace = Trace(Header(program=name), (leaf, measured, BackwardEnded(1, 0, norms=tuple(norms))))
    path = tmp_path_factory.mktemp("any") / "x.gz"
    assert repr(load(save(trace, path))) == repr(trace)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_trace_or_a_trace_file_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "x.gz"
    path.write_bytes(content)
    with pytest.raises(TraceFileError):
        load(path)
