"""Passes that shrink a graph: chains of ops, and repeated sibling modules. Linear in nodes and edges."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from tracer.graphs.items import Path


def fold_chains(count: int, edges: Iterable[tuple[int, int]], group: Callable[[int], object]) -> list[int]:
    """Return, per node, a representative: nodes of one group that follow each other one by one share it.

    Args:
        count: number of nodes.
        edges: (from, to) pairs.
        group: nodes are only folded together within the same group; None is never folded.
    """
    targets: list[int] = [-1] * count  # -2: several
    sources: list[int] = [-1] * count
    for source, target in edges:
        targets[source] = target if targets[source] == -1 else -2
        sources[target] = source if sources[target] == -1 else -2
    first = list(range(count))
    for i in range(count):
        if first[i] != i:
            continue
        at = i
        # Begin at the head of the chain, so that each node is visited once.
        if sources[at] >= 0 and targets[sources[at]] == at and _same(group, sources[at], at):
            continue
        while targets[at] >= 0 and sources[targets[at]] == at and _same(group, at, targets[at]):
            following = targets[at]
            if following == i:
                break
            first[following] = i
            at = following
    return first


def _same(group: Callable[[int], object], a: int, b: int) -> bool:
    mine = group(a)
    return mine is not None and mine == group(b)


_NUMBER = re.compile(r"\d+")


def fold_repeats(
    children: Mapping[Path, list[Path]], signature: Callable[[Path], object], least: int = 3
) -> dict[Path, tuple[Path, int]]:
    """Return, for each module that repeats a sibling, (the one drawn in its place, how many there are).

    Siblings repeat when their names differ in a number only and their signatures are equal. The one that is
    drawn maps to itself.
    """
    found: dict[Path, tuple[Path, int]] = {}
    for siblings in children.values():
        alike: dict[tuple[str, object], list[Path]] = defaultdict(list)
        for path in siblings:
            mark = signature(path)
            if _NUMBER.search(path[-1]) and mark is not None:
                alike[_NUMBER.sub("#", path[-1]), mark].append(path)
        for members in alike.values():
            if len(members) >= least:
                found.update((path, (members[0], len(members))) for path in members)
    return found
