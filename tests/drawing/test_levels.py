"""Drawings at several depths: one per depth that looks different, and where each leaf is shown in it."""

from __future__ import annotations

import html
import re

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing.levels import Level, draw_levels
from tracer.events import BackwardStarted, GradAccumulated, GraphSeen, LeafSeen, ModelSeen, ModuleSeen, Node
from tracer.traces import Header, Trace

PATHS = ("", "encoder", "encoder.first", "head")


def nested() -> Trace:
    """Two linear layers, one of them two modules deep; one backward."""
    nodes = (Node("AddmmBackward0", 3), Node("AddmmBackward0", 2), Node("AccumulateGrad", leaf=0))
    return Trace(
        Header(backwards=1),
        (
            ModelSeen(0, "net", "Net"),
            *(ModuleSeen(i, 0, path, "Linear", calls=1) for i, path in enumerate(PATHS)),
            LeafSeen(0, 0, "encoder.first.weight", (), (2, 2), "float32", "cpu", True, "parameter", module=2),
            LeafSeen(1, 0, "head.weight", (), (2, 2), "float32", "cpu", True, "parameter", module=3),
            GraphSeen(0, "f", (*nodes, Node("AccumulateGrad", leaf=1)), ((0, 1, 0), (0, 3, 1), (1, 2, 0))),
            BackwardStarted(1, 0, "backward", 0, (0,)),
            *(GradAccumulated(1, 0, leaf) for leaf in (0, 1)),
        ),
    )


def ids(level: Level) -> set[str]:
    return {html.unescape(name) for name in re.findall(r'<g id="([^"]*)" class="node', level.svg)}


@pytest.fixture(scope="module")
def levels() -> tuple[Level, ...]:
    trace = nested()
    return draw_levels(trace, diagnose(trace))


def test_the_default_comes_first_then_each_depth_that_looks_different(levels: tuple[Level, ...]) -> None:
    assert [level.name for level in levels] == ["auto", "1", "2"]


def test_every_leaf_is_shown_by_a_box_that_is_there(levels: tuple[Level, ...]) -> None:
    for level in levels:
        assert set(level.leaf_boxes) == {0, 1}
        assert set(level.leaf_boxes.values()) <= ids(level)


def test_a_closed_module_shows_the_leaves_inside_it(levels: tuple[Level, ...]) -> None:
    assert levels[1].leaf_boxes[0] == "module-0:net.encoder"


def test_one_depth_may_be_asked_for() -> None:
    trace = nested()
    assert [level.name for level in draw_levels(trace, diagnose(trace), depth=2)] == ["2"]
