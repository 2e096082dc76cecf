"""The passes that shrink a graph, on plain numbers and paths."""

from __future__ import annotations

from tracer.graphs.folds import Repeat, fold_chains, fold_repeats
from tracer.graphs.items import Path


def paths(*names: str) -> dict[Path, list[Path]]:
    return {(): [(name,) for name in names]}


def counts(found: dict[Path, Repeat]) -> dict[str, tuple[str, int]]:
    return {path[-1]: (repeat.first[-1], repeat.count) for path, repeat in found.items()}


def test_nodes_in_a_row_share_their_first() -> None:
    assert fold_chains(4, [(0, 1), (1, 2), (2, 3)], lambda i: "same") == [0, 0, 0, 0]


def test_a_chain_ends_where_the_graph_branches_and_joins() -> None:
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)]
    assert fold_chains(5, edges, lambda i: "same") == [0, 1, 2, 3, 3]


def test_a_chain_ends_at_the_border_of_a_group() -> None:
    assert fold_chains(4, [(0, 1), (1, 2), (2, 3)], lambda i: i // 2) == [0, 0, 2, 2]


def test_a_node_of_no_group_stands_alone() -> None:
    assert fold_chains(3, [(0, 1), (1, 2)], lambda i: None if i == 1 else "same") == [0, 1, 2]


def test_a_chain_whose_numbers_run_backwards_is_found_from_its_head() -> None:
    assert fold_chains(3, [(2, 1), (1, 0)], lambda i: "same") == [2, 2, 2]


def test_a_million_nodes_fold_without_recursion() -> None:
    count = 1_000_000
    found = fold_chains(count, ((i, i + 1) for i in range(count - 1)), lambda i: 0)
    assert set(found) == {0}


def test_equal_numbered_siblings_are_drawn_once() -> None:
    found = fold_repeats(paths("0", "1", "2", "head"), lambda path: "same")
    assert counts(found) == {"0": ("0", 3), "1": ("0", 3), "2": ("0", 3)}
    assert [found[(name,)].turn for name in "012"] == [0, 1, 2]


def test_one_that_differs_stands_by_itself_and_parts_the_others() -> None:
    names = [str(i) for i in range(7)]
    found = fold_repeats(paths(*names), lambda path: "odd" if path == ("3",) else "same")
    assert counts(found) == {
        "0": ("0", 3), "1": ("0", 3), "2": ("0", 3), "4": ("4", 3), "5": ("4", 3), "6": ("4", 3),
    }  # fmt: skip


def test_a_pattern_of_two_repeats_as_a_whole() -> None:
    found = fold_repeats(paths(*map(str, range(6))), lambda path: int(path[-1]) % 2)
    assert counts(found) == {str(i): (str(i % 2), 3) for i in range(6)}


def test_too_few_are_not_folded() -> None:
    assert fold_repeats(paths("0", "1"), lambda path: "same") == {}
    assert counts(fold_repeats(paths("0", "1"), lambda path: "same", least=2)) == {"0": ("0", 2), "1": ("0", 2)}


def test_names_without_a_number_never_repeat() -> None:
    assert fold_repeats(paths("left", "right", "middle"), lambda path: "same") == {}


def test_runs_beside_each_other_are_told_apart() -> None:
    found = fold_repeats(paths(*map(str, range(6))), lambda path: "a" if int(path[-1]) < 3 else "b")
    assert found[("2",)].run != found[("3",)].run
