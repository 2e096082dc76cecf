"""Ways through the autograd graph: from the loss to one leaf, or to where the leaf's way was cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracer.events import BackwardStarted, CutFound
from tracer.graphs.merged import Merged


@dataclass(frozen=True, slots=True)
class Route:
    """One way of a gradient, nearest to the loss first."""

    start: BackwardStarted
    nodes: tuple[int, ...]  #: indices into ``Merged.nodes``
    cut: CutFound | None = None  #: where it stops; None when it arrives


def routes_to(merged: Merged, leaf: int) -> tuple[Route, ...]:
    """Return the shortest way to a leaf from each backward's root, or to its cuts where no way arrives."""
    below = _below(merged)
    arriving = [
        Route(start, way)
        for root, start in merged.roots
        if (way := _way(below, root, lambda i: merged.nodes[i].leaf == leaf)) is not None
    ]
    return tuple(arriving) or _to_cuts(merged, below, leaf)


def _to_cuts(merged: Merged, below: dict[int, list[int]], leaf: int) -> tuple[Route, ...]:
    found: dict[tuple[int | None, int | None], Route] = {}
    for cut in merged.cuts:
        if cut.leaf != leaf or cut.reentry is None or (cut.place, cut.reentry) in found:
            continue
        for root, start in merged.roots:
            at = _reentry(merged, below, root, cut.reentry)
            way = None if at is None else _way(below, root, at.__eq__)
            if way is not None:
                found[cut.place, cut.reentry] = Route(start, way, cut)
                break
    return tuple(sorted(found.values(), key=lambda route: route.cut.depth if route.cut else 0))


def _reentry(merged: Merged, below: dict[int, list[int]], root: int, place: int) -> int | None:
    """Return the node at which a value without history came in: it has fewer inputs than its like.

    A line in a repeated block makes many nodes. Of those with the fewest inputs the farthest from the loss is
    taken: behind it there is nothing more of its kind.
    """
    distance = _distances(below, root)
    here = [i for i, node in enumerate(merged.nodes) if node.place == place and i in distance]
    return min(here, key=lambda i: (len(below.get(i, ())), -distance[i]), default=None)


def _distances(below: dict[int, list[int]], root: int) -> dict[int, int]:
    found = {root: 0}
    queue = [root]
    for node in queue:  # grows while it is read
        for other in below.get(node, ()):
            if other not in found:
                found[other] = found[node] + 1
                queue.append(other)
    return found


def _below(merged: Merged) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for source, target in merged.edges:
        found.setdefault(source, []).append(target)
    return found


def _way(below: dict[int, list[int]], root: int, arrived: Callable[[int], bool]) -> tuple[int, ...] | None:
    """Return the shortest way from a node to the first one that fits; None where there is none."""
    came: dict[int, int | None] = {root: None}
    queue = [root]
    for node in queue:  # grows while it is read
        if arrived(node):
            way: list[int] = []
            at: int | None = node
            while at is not None:
                way.append(at)
                at = came[at]
            return tuple(reversed(way))
        for other in below.get(node, ()):
            if other not in came:
                came[other] = node
                queue.append(other)
    return None
