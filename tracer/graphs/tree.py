"""The modules of a merged graph as a tree of paths, with the ops and leaves inside each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from tracer.graphs.items import LeafState, Path
from tracer.graphs.merged import Merged

#: Levels of modules; what lies deeper stands at the last one. No model has so many, and work grows with their square.
LEVELS = 100


class Tree:
    """Paths, their order, and what stands in each. Work per node is one look-up; the rest is per module."""

    def __init__(self, merged: Merged, states: Mapping[int, LeafState]) -> None:
        self.merged, self.states = merged, states
        #: per node, 1 for operations; nodes that accumulate are drawn as leaves
        self.is_op = bytearray(n.leaf is None and not n.name.endswith("AccumulateGrad") for n in merged.nodes)
        self.module_path = {key: self._path(seen.model, seen.path) for key, seen in merged.modules.items()}
        self.module_at = {path: key for key, path in reversed(self.module_path.items())}
        self.leaf_path = {key: self._leaf_path(key) for key in merged.leaves if key in states}
        #: path -> ops made in the module itself, by name of the autograd node
        self.names: dict[Path, Counter[str]] = self._count_names()
        self.leaves: dict[Path, list[int]] = defaultdict(list)  #: leaves of the module itself
        for key, path in self.leaf_path.items():
            self.leaves[path].append(key)
        self.children: dict[Path, list[Path]] = self._children()
        self.order = self._order()  #: parents before children
        self.ops: Counter[Path] = Counter()  #: ops inside, all levels
        for path in reversed(self.order):
            self.ops[path] += self.names[path].total() if path in self.names else 0
            if path:
                self.ops[path[:-1]] += self.ops[path]
        self.bad = {self.path_of(i) for i in merged.culprits}  #: where a gradient went bad
        self.sick = self._sick()

    def path_of(self, i: int) -> Path:
        """Return the module that made a node."""
        module = self.merged.nodes[i].module
        return () if module is None else self.module_path.get(module, ())

    def cls(self, path: Path) -> str:
        """Return the class of a module; "" where unknown."""
        key = self.module_at.get(path)
        return "" if key is None else self.merged.modules[key].cls

    def key(self, path: Path) -> str:
        """Return a name for ids in pictures: the path where it is plain, else the module's number."""
        plain = ".".join(path)
        if len(plain) <= 120 and all(sign.isalnum() or sign in ".:_-" for sign in plain):
            return plain
        return f"number-{self.module_at.get(path, self.order.index(path))}"

    def below(self, path: Path) -> list[int]:
        """Return the leaves inside a module, all levels."""
        found: list[int] = []
        stack = [path]
        while stack:
            at = stack.pop()
            found.extend(self.leaves.get(at, ()))
            stack.extend(reversed(self.children.get(at, [])))
        return found

    def _path(self, model: int, path: str) -> Path:
        name = f"{model}:{self.merged.models[model].name}" if model in self.merged.models else str(model)
        return (name, *path.split(".", LEVELS)) if path else (name,)

    def _leaf_path(self, key: int) -> Path:
        leaf = self.merged.leaves[key]
        return () if leaf.model is None else self._path(leaf.model, leaf.name.rpartition(".")[0])

    def _count_names(self) -> dict[Path, Counter[str]]:
        of_module: dict[int | None, Counter[str]] = defaultdict(Counter)
        for (module, name), count in Counter(
            (node.module, node.name) for node, is_op in zip(self.merged.nodes, self.is_op, strict=True) if is_op
        ).items():
            of_module[module][name] += count
        found: dict[Path, Counter[str]] = {}
        for module, names in of_module.items():
            path = () if module is None else self.module_path.get(module, ())
            found[path] = found[path] + names if path in found else names
        return found

    def _children(self) -> dict[Path, list[Path]]:
        known: set[Path] = {()}
        children: dict[Path, list[Path]] = defaultdict(list)
        for path in (*self.names, *self.leaves):
            for size in range(1, len(path) + 1):
                part = path[:size]
                if part not in known:
                    known.add(part)
                    children[part[:-1]].append(part)
        order = {path: i for i, path in enumerate(self.module_path.values())}
        for siblings in children.values():
            siblings.sort(key=lambda path: (order.get(path, len(order)), path))
        return children

    def _order(self) -> list[Path]:
        found: list[Path] = []
        stack: list[Path] = [()]
        while stack:
            at = stack.pop()
            found.append(at)
            stack.extend(reversed(self.children.get(at, [])))
        return found

    def _sick(self) -> set[Path]:
        """Return the modules that hold a sick leaf or a culprit, at any level."""
        found: set[Path] = set()
        paths = [path for key, path in self.leaf_path.items() if self.states[key].sick]
        paths.extend(self.bad)
        for path in paths:
            found.update(path[:size] for size in range(len(path) + 1))
        return found

    def signatures(self) -> dict[Path, int]:
        """Return a mark per module: equal where ops, leaves, their states and what went bad are equal."""
        inside: dict[Path, Counter[object]] = {path: Counter() for path in self.order}
        for i, kind in self.merged.culprits.items():
            inside.setdefault(self.path_of(i), Counter())["bad", kind, self.merged.nodes[i].name] += 1
        marks: dict[Path, int] = {}
        for path in reversed(self.order):  # children first
            mine = inside[path]
            for name, count in self.names.get(path, {}).items():
                mine["op", name] += count
            for key in self.leaves.get(path, ()):
                state = self.states[key]
                mine["leaf", state.name.rpartition(".")[2], state.word, state.shape] += 1
            marks[path] = hash(frozenset(mine.items()))
            if path:
                inside[path[:-1]]["module", path[-1], self.cls(path), marks[path]] += 1
        return marks
