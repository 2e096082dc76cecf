"""The folded view of hand-made traces: what is one box, what stands by itself, what is linked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing.states import gather
from tracer.events import BackwardEnded, BackwardStarted, GraphSeen, LeafSeen, Node, PlaceSeen
from tracer.graphs.fold import fold_view
from tracer.graphs.items import View
from tracer.traces import Header, Trace

Blocks = Callable[..., Trace]


def view(trace: Trace, **options: object) -> View:
    return fold_view(*gather(trace, diagnose(trace)), **options)  # type: ignore[arg-type]


def test_a_small_model_is_drawn_leaf_by_leaf(blocks: Blocks) -> None:
    boxes = view(blocks(2)).boxes
    assert sum(box.kind == "leaf" for box in boxes.values()) == 4
    assert boxes["leaf-0"].label == ["weight", "updated", "grad 0.5"]
    assert boxes["leaf-0"].beside == "3 × 2"


def test_equal_blocks_are_drawn_once_and_say_how_many(blocks: Blocks) -> None:
    seen = view(blocks(12))
    assert [cluster.title for cluster in seen.clusters.values()] == ["net", "12 × Block"]
    assert "12 equal Block are drawn once" in seen.notes
    assert len(seen.boxes) == 4


def test_values_that_pass_from_copy_to_copy_make_no_circle(blocks: Blocks) -> None:
    links = view(blocks(12)).links
    ends = {(link.tail, link.head) for link in links.values()}
    assert not any((head, tail) in ends for tail, head in ends)


def test_a_frozen_and_a_cut_block_stand_by_themselves(blocks: Blocks) -> None:
    seen = view(blocks(12, frozen=4, cut=8))
    titles = [cluster.title for cluster in seen.clusters.values()]
    assert sorted(titles) == ["3 × Block", "3 × Block", "4", "4 × Block", "8", "net"]
    frozen = next(box for box in seen.boxes.values() if box.kind == "card" and box.path[-1:] == ("4",))
    assert frozen.state == "frozen"


def test_a_cut_is_a_mark_with_its_line_between_leaf_and_loss(blocks: Blocks) -> None:
    seen = view(blocks(12, cut=8))
    mark = next(box for box in seen.boxes.values() if box.kind == "cut")
    assert mark.label == ["detach()", "train.py:7", "h = h.detach()"]
    before = {link.tail for link in seen.links.values() if link.head == mark.key}
    behind = {link.head for link in seen.links.values() if link.tail == mark.key}
    assert before == {"module-0:net.8.lin"}
    # the copy of the line that is in the block itself, not the same line in another block
    assert seen.boxes[behind.pop()].path == ("0:net", "8")


def test_every_leaf_is_shown_by_some_box(blocks: Blocks) -> None:
    for visible in (110, 44, 20, 8):
        seen = view(blocks(30, frozen=4, cut=8), visible=visible)
        assert set(seen.leaf_boxes) == set(range(60))
        assert set(seen.leaf_boxes.values()) <= set(seen.boxes)


@pytest.mark.parametrize("visible", [110, 44, 20, 8])
def test_links_end_at_boxes_that_are_there(blocks: Blocks, visible: int) -> None:
    seen = view(blocks(30, frozen=4, cut=8), visible=visible)
    assert {end for link in seen.links.values() for end in (link.tail, link.head)} <= set(seen.boxes)


def test_a_closed_module_counts_its_leaves_by_state_the_sick_first(blocks: Blocks) -> None:
    seen = view(blocks(12, cut=8), depth=0)
    box = seen.boxes["module-0:net"]
    assert [(row.count, row.word) for row in box.rows] == [(2, "no gradient: cut"), (22, "updated")]
    assert box.state == "error"


def test_depth_opens_that_many_levels(blocks: Blocks) -> None:
    assert set(view(blocks(2), depth=1).clusters) == {("0:net",)}
    assert set(view(blocks(2), depth=2).clusters) == {("0:net",), ("0:net", "0"), ("0:net", "1")}


def test_focus_opens_one_module_and_closes_the_others(blocks: Blocks) -> None:
    seen = view(blocks(12, cut=8), focus="8.lin")
    assert "leaf-16" in seen.boxes
    assert ("0:net", "8") in seen.clusters
    assert not any(path[-1:] == ("0",) for path in seen.clusters)


def test_only_problems_leaves_healthy_leaves_out(blocks: Blocks) -> None:
    seen = view(blocks(3, cut=1), only_problems=True)
    assert [box.key for box in seen.boxes.values() if box.kind == "leaf"] == ["leaf-2", "leaf-3"]


def test_a_frozen_leaf_is_tied_to_the_operation_it_takes_part_in(blocks: Blocks) -> None:
    seen = view(blocks(2, frozen=1))
    idle = [link for link in seen.links.values() if link.kind == "idle"]
    assert {link.tail for link in idle} == {"leaf-2", "leaf-3"}
    assert {seen.boxes[link.head].label[0] for link in idle} == {"linear"}


def test_an_optimizer_is_tied_to_each_leaf_in_small_pictures_and_to_the_model_in_large_ones(blocks: Blocks) -> None:
    small = [link for link in view(blocks(2)).links.values() if link.kind == "holds"]
    assert [link.head for link in small] == ["leaf-0", "leaf-1", "leaf-2", "leaf-3"]
    large = [link for link in view(blocks(12)).links.values() if link.kind == "holds"]
    assert [link.into for link in large] == [("0:net",)]


def test_each_leaf_carries_the_sign_of_its_param_group(blocks: Blocks) -> None:
    seen = view(blocks(2, frozen=1))
    assert seen.groups == {(0, 0): 0}
    assert seen.boxes["leaf-0"].groups == {(0, 0)}
    assert seen.boxes["leaf-2"].groups == set()


def chain(count: int, places: int = 1) -> Trace:
    """A chain of ``count`` multiplications at ``places`` lines, from one leaf."""
    nodes = (*(Node("MulBackward0", None, i % places, "mul") for i in range(count)), Node("AccumulateGrad", leaf=0))
    return Trace(
        Header(backwards=1),
        (
            *(PlaceSeen(i, "train.py", i + 1, "f") for i in range(places)),
            LeafSeen(0, None, "w", (), (2,), "float32", "cpu", True, "unregistered"),
            GraphSeen(0, "chain", nodes, tuple((i, i + 1, 0) for i in range(count))),
            BackwardStarted(1, 0, "backward", 0, (0,)),
            BackwardEnded(1, 0),
        ),
    )


def test_a_chain_of_200000_operations_is_one_box() -> None:
    seen = fold_view(*gather(chain(200_000), None))
    assert sorted(box.kind for box in seen.boxes.values()) == ["leaf", "loss", "run"]
    run = next(box for box in seen.boxes.values() if box.kind == "run")
    assert run.count == 200_000


def test_a_grid_of_many_operations_at_few_lines_stays_small() -> None:
    count = 10_000
    nodes = (*(Node("AddBackward0", None, i % 3, "add") for i in range(count)), Node("AccumulateGrad", leaf=0))
    edges = tuple((i, j, 0) for i in range(count) for j in (i + 1, i + 100) if j <= count)
    trace = chain(1, 3)
    events = (*trace.events[:4], GraphSeen(0, "grid", nodes, edges), *trace.events[5:])
    assert len(fold_view(*gather(Trace(trace.header, events), None)).boxes) <= 6
