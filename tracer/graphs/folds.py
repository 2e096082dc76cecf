"""Passes that shrink a graph: chains of ops, and repeated sibling modules. Linear in nodes and edges."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Repeat:
    """One of several equal modules in a row."""

    first: Path  #: the one that is drawn for all
    last: Path
    count: int
    turn: int  #: which of them this is, from 0
    run: int = 0  #: number of the first sibling of the whole run: one per pattern that repeats


_NUMBER = re.compile(r"\d+")
#: Longest pattern of siblings that is looked for: (Linear, ReLU), (Linear, ReLU), ... has 2.
_PERIOD = 4


def fold_repeats(
    children: Mapping[Path, list[Path]], signature: Callable[[Path], object], least: int = 3
) -> dict[Path, Repeat]:
    """Return, for each module that repeats siblings before or behind it, what stands for it.

    Siblings repeat when their names differ in a number only, their signatures are equal, and none that differs
    stands between them; a pattern of up to four siblings may repeat as a whole.

    Args:
        children: modules by parent, in order.
        signature: what must be equal; None never repeats.
        least: how often, at least.
    """
    found: dict[Path, Repeat] = {}
    for siblings in children.values():
        marks = [_mark(path, signature(path)) for path in siblings]
        at = 0
        while at < len(siblings):
            period, turns = _longest(marks, at, least)
            for i in range(at, at + period * turns):
                first = at + (i - at) % period
                last = first + period * (turns - 1)
                found[siblings[i]] = Repeat(siblings[first], siblings[last], turns, (i - at) // period, at)
            at += max(1, period * turns)
    return found


def _mark(path: Path, signature: object) -> object:
    return (_NUMBER.sub("#", path[-1]), signature) if signature is not None and _NUMBER.search(path[-1]) else None


def _longest(marks: Sequence[object], at: int, least: int) -> tuple[int, int]:
    """Return (length of the pattern, how often it stands in a row); (0, 0) where none does."""
    best = (0, 0)
    for period in range(1, _PERIOD + 1):
        end = at
        while end < len(marks) and marks[end] is not None and (end < at + period or marks[end] == marks[end - period]):
            end += 1
        turns = (end - at) // period
        if turns >= least and turns * period > best[0] * best[1]:
            best = (period, turns)
    return best
