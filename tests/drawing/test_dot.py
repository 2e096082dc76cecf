"""The DOT text: golden files, the same for the same trace, and no name that breaks out of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing.picture import dot_text, svg_text
from tracer.events import LeafSeen, ModelSeen, ModuleSeen, OptimizerSeen, PlaceSeen
from tracer.traces import Header, Trace

Blocks = Callable[..., Trace]
NASTY = [
    '<b>&"x',
    "a\nb",
    "y" * 5_000,
    "\x00\x1b[31m",
    "‮abc",
    "]; evil -> x; [",
    "</TABLE>>",
    "&lt;i&gt;",
    "\\N\\l",
    "-->",
    "]]>",
]


def dot(trace: Trace, **options: object) -> str:
    return dot_text(trace, diagnose(trace), **options)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("two_blocks.dot", {"count": 2, "frozen": 1}),
        ("cut.dot", {"count": 3, "cut": 1}),
        ("twelve_blocks.dot", {"count": 12, "frozen": 4, "cut": 8}),
    ],
)
def test_the_text_is_as_reviewed(
    name: str, made: dict[str, int], blocks: Blocks, golden: Callable[[str, str], None]
) -> None:
    trace = blocks(**made)
    report = diagnose(trace)
    wordless = replace(report, parameters=tuple(replace(row, message="") for row in report.parameters))
    golden(name, dot_text(trace, wordless))


def test_the_same_trace_gives_the_same_text_in_another_process(blocks: Blocks, tmp_path: Path) -> None:
    from tracer.store.jsonl import save

    trace = blocks(12, frozen=4, cut=8)
    path = save(trace, tmp_path / "trace.jsonl.gz")
    code = (
        "import sys, tracer; from tracer.drawing.picture import dot_text\n"
        "trace = tracer.load(sys.argv[1]); sys.stdout.write(dot_text(trace, tracer.diagnose(trace)))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code, str(path)], capture_output=True, text=True, encoding="utf-8",
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout == dot(trace)


def renamed(trace: Trace, name: str) -> Trace:
    """Return the trace with a name in every place where a program may choose one."""
    events = []
    for event in trace.events:
        match event:
            case ModelSeen():
                event = ModelSeen(0, name, name)
            case ModuleSeen(path=path) if path:
                event = ModuleSeen(event.module, 0, path.replace("0", name), name, calls=1)
            case LeafSeen():
                event = LeafSeen(
                    event.leaf, 0, event.name.replace("0", name), (name,), event.shape, name, name, True, "parameter",
                    module=event.module,
                )  # fmt: skip
            case OptimizerSeen():
                event = OptimizerSeen(0, name, name)
            case PlaceSeen():
                event = PlaceSeen(event.place, name, 7, name, (name,), 7)
        events.append(event)
    return Trace(Header(steps=1, backwards=1, program=name), tuple(events))


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_names_neither_break_nor_inject(name: str, blocks: Blocks) -> None:
    trace = renamed(blocks(2, cut=1), name)
    plain = svg_text(blocks(2, cut=1), diagnose(blocks(2, cut=1)))
    svg = svg_text(trace, diagnose(trace))
    root = ElementTree.fromstring(svg)
    assert tags(root) == tags(ElementTree.fromstring(plain))
    assert len(nodes(root)) == len(nodes(ElementTree.fromstring(plain)))


def tags(root: ElementTree.Element) -> set[str]:
    return {element.tag.rpartition("}")[2] for element in root.iter()}


def nodes(root: ElementTree.Element) -> list[str]:
    return [element.get("id", "") for element in root.iter() if (element.get("class") or "").startswith("node ")]


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_long_and_invisible_names_are_shortened_and_spelled_out(name: str, blocks: Blocks) -> None:
    text = dot(renamed(blocks(2), name))
    assert "\x00" not in text
    assert "\x1b" not in text
    assert "‮" not in text
    assert max(map(len, text.splitlines())) < 12_000


def test_a_title_tells_what_ran_and_how_many_leaves_are_in_which_state(blocks: Blocks) -> None:
    text = dot(blocks(12, frozen=4, cut=8))
    assert "24 parameters:    ✓ 20 updated    ✗ 2 cut    ❄ 2 frozen" in text
