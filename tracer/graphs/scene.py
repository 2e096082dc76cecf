"""What every pass of the folding shares: the tree, which modules are open, what stands for what, and the view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tracer.graphs.folds import Repeat
from tracer.graphs.items import LeafState, Path, View
from tracer.graphs.merged import Merged
from tracer.graphs.tree import Tree

#: What makes chains alike: module call, name of the autograd node, place.
Head = tuple[int | None, str, int | None]


@dataclass(slots=True)
class Scene:
    """One folding of one graph."""

    merged: Merged
    states: Mapping[int, LeafState]
    tree: Tree
    repeats: dict[Path, Repeat]
    chain: list[int]  #: per node, the node that stands for its chain
    absorbed: dict[int, int]  #: op -> leaf node, for ops that only reshape a leaf on its way
    heads: Counter[Head]  #: heads of chains of each kind
    turn_of: dict[int, int]  #: head of a chain -> which it is of its kind
    opened: set[Path] = field(default_factory=set)
    cards: set[Path] = field(default_factory=set)  #: closed modules whose leaves are shown line by line
    #: Equal operations of one module at one line that still get boxes of their own; more are drawn once.
    apart: int = 4
    detailed: bool = True  #: small enough for source lines and lines from optimizers to leaves
    view: View = field(default_factory=View)
    twins: dict[str, str] = field(default_factory=dict)  #: mark of a chain -> box that it shares with its equals
    _drawn: dict[Path, Path] = field(default_factory=dict)
    _closed: dict[Path, Path | None] = field(default_factory=dict)
    _turns: dict[Path, dict[tuple[Path, int], int]] = field(default_factory=dict)

    def drawn(self, path: Path) -> Path:
        """Return the path of what is drawn in a module's place: repeats stand for their first."""
        known = self._drawn.get(path)
        if known is None:
            known = ()
            for size in range(1, len(path) + 1):
                own = path[:size]
                known = (*known, self.repeats[own].first[-1] if own in self.repeats else own[-1])
            self._drawn[path] = known
        return known

    def closed(self, path: Path) -> Path | None:
        """Return the outermost closed module around a drawn path, or None when all are open."""
        if path not in self._closed:
            parts = (path[:size] for size in range(1, len(path) + 1))
            self._closed[path] = next((part for part in parts if part not in self.opened), None)
        return self._closed[path]

    def turns(self, path: Path) -> dict[tuple[Path, int], int]:
        """Return, for a module inside repeats, which copy it is in: (module around, run) -> number of the copy."""
        known = self._turns.get(path)
        if known is None:
            parts = (path[:size] for size in range(1, len(path) + 1))
            known = self._turns[path] = {
                (self.drawn(part[:-1]), self.repeats[part].run): self.repeats[part].turn
                for part in parts
                if part in self.repeats
            }
        return known

    def carries_on(self, a: Path, b: Path) -> bool:
        """Tell whether a value passes from one copy of a repeated module to another."""
        mine, other = self.turns(a), self.turns(b)
        return bool(mine) and any(other.get(run, turn) != turn for run, turn in mine.items())

    def drawn_children(self, path: Path) -> list[Path]:
        """Return the modules drawn inside a drawn one."""
        return [child for child in self.tree.children.get(path, []) if self.drawn(child) == child]

    def count(self, path: Path) -> int:
        """Return how many modules a drawn path stands for, with repeats around it."""
        total = 1
        for size in range(1, len(path) + 1):
            total *= self.repeats[path[:size]].count if path[:size] in self.repeats else 1
        return total

    def chains_in(self) -> Counter[Path]:
        """Return how many boxes of operations each module makes when it is open."""
        found: Counter[Path] = Counter()
        for (module, _, _), count in self.heads.items():
            path = () if module is None else self.tree.module_path.get(module, ())
            found[path] += count if count <= self.apart else 1
        return found
