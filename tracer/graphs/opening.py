"""Which modules are open: sick ones first, then from the outside in, as far as the boxes suffice."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tracer.graphs.items import Path
from tracer.graphs.scene import Scene

#: Leaves that a closed module shows line by line; with more it counts them by state.
LINES = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What the reader asked to see."""

    depth: int | None = None  #: open modules down to this level, whatever the size
    focus: str | None = None  #: a parameter or module: everything outside its modules is closed
    expand: Sequence[str] = ()  #: globs of modules to open
    visible: int = 110  #: boxes aimed at
    cards: bool = False  #: a module without modules inside is one box, unless a gradient went bad in it


def choose_open(scene: Scene, wish: Wish) -> None:
    """Fill ``scene.opened`` and ``scene.cards``."""
    chains = scene.chains_in()
    scene.opened, scene.cards = {()}, set()
    total = _size(scene, (), chains)
    waiting: list[tuple[bool, int, int, Path]] = []
    _push(scene, (), waiting)
    while waiting:
        path = heapq.heappop(waiting)[-1]
        if _is_plain(scene, path, chains):
            continue
        cost = max(0, _size(scene, path, chains) - 1)
        if _may_open(scene, wish, path, total + cost):
            total += cost
            scene.opened.add(path)
            _push(scene, path, waiting)
        elif _is_last(scene, path) and len(scene.tree.leaves.get(path, ())) <= LINES:
            scene.cards.add(path)


def _push(scene: Scene, path: Path, waiting: list[tuple[bool, int, int, Path]]) -> None:
    for child in scene.drawn_children(path):
        heapq.heappush(waiting, (child not in scene.tree.sick, len(child), len(waiting), child))


def _size(scene: Scene, path: Path, chains: Counter[Path]) -> int:
    """Return how many boxes a module is when it is open and those inside it are closed."""
    return chains[path] + len(scene.tree.leaves.get(path, ())) + len(scene.drawn_children(path))


def _is_last(scene: Scene, path: Path) -> bool:
    return not scene.tree.children.get(path)


def _is_plain(scene: Scene, path: Path, chains: Counter[Path]) -> bool:
    """Tell whether a module is one operation and nothing else: a frame around it would say nothing more."""
    return _is_last(scene, path) and path not in scene.tree.leaves and chains[path] <= 1


def _may_open(scene: Scene, wish: Wish, path: Path, total: int) -> bool:
    inner = ".".join(path[1:])
    for glob in wish.expand:
        if fnmatchcase(inner, glob) or inner.startswith(f"{glob}.") or glob.startswith(f"{inner}.") or not inner:
            return True
    if wish.focus is not None:
        near = wish.focus == inner or wish.focus.startswith(f"{inner}.") or inner.startswith(f"{wish.focus}.")
        return not inner or near
    if wish.depth is not None:
        return len(path) <= wish.depth
    sick = path in scene.tree.sick
    if wish.cards and _is_last(scene, path) and path in scene.tree.leaves and path not in scene.tree.bad:
        return False
    if len(path) == 1 and total <= 2 * wish.visible:
        return True
    return total <= (1.6 * wish.visible if sick else wish.visible)
