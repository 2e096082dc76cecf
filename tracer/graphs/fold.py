"""The folded view: a picture's worth of boxes for any graph, healthy regions closed, sick ones open."""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from tracer.graphs.folds import fold_chains, fold_repeats
from tracer.graphs.items import Box, LeafState, Path, View
from tracer.graphs.merged import Merged

#: Boxes that a default picture has at most, about.
VISIBLE = 110
#: Sick leaves shown one by one; more are shown per module and verdict.
SICK = 36
#: Leaves tied to their optimizer by a line; with more, the label tells it.
TIED = 14

_SICK = ("warning", "error")
#: Nodes that only change how a leaf is laid out or typed.
_RESHAPING = frozenset(("T", "Transpose", "View", "Reshape", "UnsafeView", "Permute", "ToCopy", "Expand", "Unsqueeze"))


def fold_view(
    merged: Merged,
    states: Mapping[int, LeafState],
    *,
    depth: int | None = None,
    focus: str | None = None,
    expand: Sequence[str] = (),
    only_problems: bool = False,
    visible: int = VISIBLE,
) -> View:
    """Return the boxes and links to draw.

    Args:
        states: how each leaf is shown, by leaf key.
        depth: open modules down to this level, whatever the size; None chooses.
        focus: a parameter or module path; everything outside its modules is folded.
        expand: globs of module paths to open.
        only_problems: leave healthy leaves out.
        visible: number of boxes aimed at.
    """
    return _Folding(merged, states, depth, focus, tuple(expand), only_problems, visible).view()


class _Folding:
    """One run of the folding; each method is one pass."""

    def __init__(
        self,
        merged: Merged,
        states: Mapping[int, LeafState],
        depth: int | None,
        focus: str | None,
        expand: tuple[str, ...],
        only_problems: bool,
        visible: int,
    ) -> None:
        self.merged, self.states = merged, states
        self.depth, self.focus, self.expand = depth, focus, expand
        self.only_problems, self.visible = only_problems, visible
        self.module_path = {key: self._path(seen.model, seen.path) for key, seen in merged.modules.items()}
        self.op_path = [self._op_path(i) for i in range(len(merged.nodes))]
        self.leaf_path = {key: self._leaf_path(key) for key in merged.leaves if key in states}
        self.children: dict[Path, list[Path]] = defaultdict(list)
        self.ops: Counter[Path] = Counter()
        self._grow_tree()
        self.sick = self._sick_paths()
        self.repeats = self._find_repeats()
        self.drawn: dict[Path, Path] = {}
        self.absorbed = self._absorbed()
        self.chain = self._chains()
        self.own = self._own_sizes()
        self.open = self._choose_open()
        self.result = View()
        #: the box that equal chains of repeated modules share
        self._twins: dict[tuple[Path, str, int | None, int], str] = {}
        self._leaf_twins: dict[tuple[Path, str], str] = {}
        self._turns: dict[int, int] = {}

    # ------------------------------------------------------------------ the module tree

    def _path(self, model: int, path: str) -> Path:
        name = f"{model}:{self.merged.models[model].name}" if model in self.merged.models else str(model)
        return (name, *path.split(".")) if path else (name,)

    def _op_path(self, i: int) -> Path:
        module = self.merged.nodes[i].module
        return () if module is None else self.module_path.get(module, ())

    def _leaf_path(self, key: int) -> Path:
        leaf = self.merged.leaves[key]
        if leaf.model is None:
            return ()
        parent = leaf.name.rpartition(".")[0]
        return self._path(leaf.model, parent)

    def _grow_tree(self) -> None:
        known: set[Path] = {()}
        used = {path for i, path in enumerate(self.op_path) if self.merged.nodes[i].leaf is None}
        for path in (*used, *self.leaf_path.values()):
            for size in range(1, len(path) + 1):
                part = path[:size]
                if part not in known:
                    known.add(part)
                    self.children[part[:-1]].append(part)
        order = {path: i for i, path in enumerate(self.module_path.values())}
        for siblings in self.children.values():
            siblings.sort(key=lambda path: (order.get(path, len(order)), path))
        for i, path in enumerate(self.op_path):
            if self.merged.nodes[i].leaf is None:
                for size in range(len(path) + 1):
                    self.ops[path[:size]] += 1

    def _sick_paths(self) -> set[Path]:
        found: set[Path] = set()
        for key, path in self.leaf_path.items():
            if self.states[key].severity in _SICK:
                found.update(path[:size] for size in range(len(path) + 1))
        for i in self.merged.culprits:
            path = self.op_path[i]
            found.update(path[:size] for size in range(len(path) + 1))
        return found

    def _find_repeats(self) -> dict[Path, tuple[Path, int]]:
        inside: dict[Path, list[object]] = defaultdict(list)
        for i, path in enumerate(self.op_path):
            name = self.merged.nodes[i].name
            for size in range(1, len(path) + 1):
                inside[path[:size]].append(name)
        for key, path in self.leaf_path.items():
            state = self.states[key]
            for size in range(1, len(path) + 1):
                inside[path[:size]].append((path[size:], state.name.rpartition(".")[2], state.word, state.shape))
        # Sorted by text: names and tuples cannot be compared with each other.
        marks = {path: hash(tuple(sorted(Counter(map(str, things)).items()))) for path, things in inside.items()}
        return fold_repeats(
            self.children,
            lambda path: None if path in self.sick and not self._all_sick(path) else marks.get(path),
        )

    def _all_sick(self, path: Path) -> bool:
        """Tell whether every sibling of the same kind is sick too: then they are drawn once all the same."""
        siblings = self.children[path[:-1]]
        numbered = [p for p in siblings if any(c.isdigit() for c in p[-1])]
        return len(numbered) > 2 and all(p in self.sick for p in numbered)

    def _as_drawn(self, path: Path) -> Path:
        """Return the path of what is drawn in place of a module: repeats stand for their first."""
        known = self.drawn.get(path)
        if known is None:
            known = ()
            for size in range(1, len(path) + 1):
                own = path[:size]
                known = (*known, self.repeats[own][0][-1] if own in self.repeats else own[-1])
            self.drawn[path] = known
        return known

    # ------------------------------------------------------------------ what is open

    def _chains(self) -> list[int]:
        nodes, culprits = self.merged.nodes, self.merged.culprits
        roots = {root for root, _ in self.merged.roots}

        def group(i: int) -> object:
            lone = nodes[i].leaf is not None or bool(nodes[i].details)
            if lone or i in culprits or i in roots or i in self.absorbed:
                return None
            return self.op_path[i]

        inner = [(a, b) for a, b in self.merged.edges if nodes[b].leaf is None and not self._is_bare(b)]
        return fold_chains(len(nodes), inner, group)

    def _absorbed(self) -> dict[int, int]:
        """Return op -> leaf node for ops that only reshape one leaf on its way: ``weight.t()``."""
        targets: dict[int, list[int]] = defaultdict(list)
        for source, target in self.merged.edges:
            targets[source].append(target)
        found: dict[int, int] = {}
        for i, following in targets.items():
            node = self.merged.nodes[i]
            trivial = node_name(node.name) in _RESHAPING and i not in self.merged.culprits and not node.details
            if trivial and len(following) == 1 and self.merged.nodes[following[0]].leaf in self.leaf_path:
                found[i] = following[0]
        return found

    def _is_bare(self, i: int) -> bool:
        return self.merged.nodes[i].name.endswith("AccumulateGrad")

    def _own_sizes(self) -> Counter[Path]:
        """Return how many boxes each module adds itself when it is open: chains and leaves."""
        sizes: Counter[Path] = Counter()
        seen: set[int] = set()
        for i, path in enumerate(self.op_path):
            if self.merged.nodes[i].leaf is None and i not in self.absorbed and self.chain[i] not in seen:
                seen.add(self.chain[i])
                sizes[self._as_drawn(path)] += 1
        for path in self.leaf_path.values():
            if self._as_drawn(path) == path:
                sizes[path] += 1
        return sizes

    def _drawn_children(self, path: Path) -> list[Path]:
        return [child for child in self.children[path] if self._as_drawn(child) == child]

    def _choose_open(self) -> set[Path]:
        chosen: set[Path] = {()}
        total = self.own[()] + len(self._drawn_children(()))
        waiting: list[tuple[bool, int, int, Path]] = []
        turn = 0

        def push(path: Path) -> None:
            nonlocal turn
            for child in self._drawn_children(path):
                turn += 1
                heapq.heappush(waiting, (child not in self.sick, len(child), turn, child))

        push(())
        while waiting:
            _, _, _, path = heapq.heappop(waiting)
            cost = self.own[path] + len(self._drawn_children(path)) - 1
            if not self._may_open(path, total + cost):
                continue
            total += max(0, cost)
            chosen.add(path)
            push(path)
        return chosen

    def _may_open(self, path: Path, total: int) -> bool:
        inner = ".".join(path[1:])
        if any(fnmatchcase(inner, glob) or inner.startswith(f"{glob}.") for glob in self.expand):
            return True
        if any(glob.startswith(f"{inner}.") or not inner for glob in self.expand):
            return True
        if self.focus is not None:
            return (
                not inner
                or self.focus == inner
                or self.focus.startswith(f"{inner}.")
                or inner.startswith(f"{self.focus}.")
            )
        if self.depth is not None:
            return len(path) <= self.depth
        if len(path) == 1 and total <= 2 * self.visible:
            return True
        return total <= (1.6 * self.visible if path in self.sick else self.visible)

    # ------------------------------------------------------------------ boxes

    def view(self) -> View:
        """Put everything into boxes and link them."""
        shown = [self._op_box(i) for i in range(len(self.merged.nodes))]
        leaf_box = self.result.leaf_boxes = self._leaf_boxes()
        for i, node in enumerate(self.merged.nodes):
            if node.leaf is not None:
                shown[i] = leaf_box.get(node.leaf, "")
        for i, target in self.absorbed.items():
            shown[i] = shown[target]
        for source, target in self.merged.edges:
            if shown[source] and shown[target]:
                self.result.link(shown[target], shown[source], "flow", self.merged.norms[target])
        self._losses(shown)
        self._cut_links(shown, leaf_box)
        self._optimizers(leaf_box)
        self._clusters()
        self._tell()
        return self.result

    def _closed(self, path: Path) -> Path | None:
        """Return the outermost closed module around a path, or None when all are open."""
        for size in range(1, len(path) + 1):
            if path[:size] not in self.open:
                return path[:size]
        return None

    def _op_box(self, i: int) -> str:
        node = self.merged.nodes[i]
        if node.leaf is not None or self._is_bare(i) or i in self.absorbed:
            return ""
        path = self._as_drawn(self.op_path[i])
        closed = self._closed(path)
        box = self._module_box(closed) if closed is not None else self._run_box(i, path)
        box.widen(self.merged.norms[i])
        if i in self.merged.culprits and not box.mark:
            box.mark = self.merged.culprits[i]
        return box.key

    def _run_box(self, i: int, path: Path) -> Box:
        head = self.chain[i]
        # Chains of repeated modules meet in one box when their ops have the same place and name.
        node = self.merged.nodes[head]
        key = f"op-{head}"
        key = self._twins.setdefault((path, node.name, node.place, self._turn(head)), key)
        box = self.result.boxes.get(key)
        if box is None:
            box = self.result.boxes[key] = Box(key, "op", [], path, count=0)
        box.count += 1
        name = node_name(self.merged.nodes[i].name)
        if len(box.label) < 4 and name not in box.label:
            box.label.append(name)
        box.label.extend(self.merged.nodes[i].details)
        spot = self.merged.spot(self.merged.nodes[i].place)
        line = f"{self.merged.nodes[i].name}{f' at {spot}' if spot else ''}"
        if len(box.tooltip) < 8 and line not in box.tooltip:
            box.tooltip.append(line)
        if box.count > 1:
            box.kind = "run"
        return box

    def _turn(self, head: int) -> int:
        """Return which of the equal ops of its own module a chain is, in order."""
        if not self._turns:
            counts: Counter[tuple[Path, str, int | None]] = Counter()
            for i, node in enumerate(self.merged.nodes):
                if self.chain[i] == i and node.leaf is None:
                    mark = (self.op_path[i], node.name, node.place)
                    self._turns[i] = counts[mark]
                    counts[mark] += 1
        return self._turns.get(head, 0)

    def _module_box(self, path: Path) -> Box:
        key = f"module-{'.'.join(path)}"
        box = self.result.boxes.get(key)
        if box is None:
            box = self.result.boxes[key] = Box(key, "module", self._title(path), path[:-1], count=self.ops[path])
            states = Counter(self.states[leaf].word for leaf, p in self.leaf_path.items() if p[: len(path)] == path)
            if states:
                box.label.append(", ".join(f"{count} {word}" for word, count in states.most_common(3)))
        return box

    def _title(self, path: Path) -> list[str]:
        cls = self._class(path)
        name = path[-1].partition(":")[2] if len(path) == 1 else path[-1]
        count = self.repeats[path][1] if path in self.repeats else 1
        title = f"{count} × {cls}" if count > 1 else f"{name}: {cls}" if cls else name
        ops = self.ops[path]
        lines = [title]
        if path not in self.open:
            lines.append(f"{ops} op{'' if ops == 1 else 's'}{' each' if count > 1 else ''}")
        return lines

    def _class(self, path: Path) -> str:
        for key, known in self.module_path.items():
            if known == path:
                return self.merged.modules[key].cls
        return ""

    # ------------------------------------------------------------------ leaves

    def _leaf_boxes(self) -> dict[int, str]:
        sick = [key for key in self.leaf_path if self.states[key].severity in _SICK]
        grouped = len(sick) > SICK
        found: dict[int, str] = {}
        for key, path in self.leaf_path.items():
            state = self.states[key]
            ill = state.severity in _SICK
            drawn = self._as_drawn(path)
            closed = self._closed(drawn)
            if closed is not None and not ill:
                box = self._module_box(closed)
            elif self.only_problems and not ill:
                continue
            elif ill and (grouped or closed is not None):
                box = self._group_box(closed[:-1] if closed is not None else drawn, closed or drawn, state)
            else:
                box = self._own_box(key, drawn, state)
            found[key] = box.key
            box.widen(state.norm)
        self._finish_groups()
        return found

    def _own_box(self, key: int, path: Path, state: LeafState) -> Box:
        twin = (path, state.name.rpartition(".")[2] if path else state.name)
        known = self._leaf_twins.get(twin)
        if known is not None:
            box = self.result.boxes[known]
            box.count += 1
            box.label[0] = f"{state.name.rpartition('.')[2]} (× {box.count})"
            return box
        name = f"leaf-{key}"
        self._leaf_twins[twin] = name
        shape = " × ".join(map(str, state.shape)) or "scalar"
        short = state.name if not path else state.name.rpartition(".")[2]
        look = "frozen" if state.frozen else state.severity
        box = Box(name, "leaf", [short, shape, state.word], path, look, [state.name, state.tooltip])
        self.result.boxes[name] = box
        return box

    def _group_box(self, cluster: Path, around: Path, state: LeafState) -> Box:
        # Per module one level below the root at least, so that many sick leaves still fit a picture.
        key = f"leaves-{'.'.join(around[:3])}-{state.word}"
        box = self.result.boxes.get(key)
        if box is None:
            inner = ".".join(around[1:3])
            cluster = next((cluster[:n] for n in range(min(len(cluster), 3), -1, -1) if cluster[:n] in self.open), ())
            box = self.result.boxes[key] = Box(
                key,
                "leaf",
                [f"{inner}.*" if inner else "parameters", "", state.word],
                cluster,
                state.severity,
                count=0,
            )
        box.count += 1
        if len(box.tooltip) < 12:
            box.tooltip.append(state.name)
        return box

    def _finish_groups(self) -> None:
        for box in self.result.boxes.values():
            if box.key.startswith("leaves-"):
                box.label[1] = f"{box.count} parameter{'' if box.count == 1 else 's'}"

    # ------------------------------------------------------------------ loss, cuts, optimizers

    def _losses(self, shown: list[str]) -> None:
        for number, (root, start) in enumerate(self.merged.roots[:6]):
            if not shown[root]:
                continue
            value = "" if start.root_value is None else f" = {start.root_value:.4g}"
            spot = self.merged.spot(start.place)
            box = Box(f"loss-{number}", "loss", [f"loss{value}", f"{start.call} at {spot}" if spot else start.call])
            self.result.boxes[box.key] = box
            self.result.link(shown[root], box.key, "flow", self.merged.norms[root])

    def _cut_links(self, shown: list[str], leaf_box: Mapping[int, str]) -> None:
        at_place: dict[int, str] = {}
        for i, node in enumerate(self.merged.nodes):
            if node.place is not None and shown[i]:
                at_place.setdefault(node.place, shown[i])
        fallback = next((shown[root] for root, _ in self.merged.roots if shown[root]), None)
        for cut in self.merged.cuts:
            state = self.states.get(cut.leaf)
            tail = leaf_box.get(cut.leaf)
            # The cut of another loss is none of this leaf's trouble.
            if tail is None or state is None or state.severity not in _SICK:
                continue
            head = at_place.get(cut.reentry, fallback) if cut.reentry is not None else fallback
            if head is None:
                head = self._ghost_loss()
            spot = self.merged.spot(cut.block if cut.block is not None else cut.place)
            word = cut.op if cut.kind in ("item", "argmax", "index", "comparison", "cast") else cut.kind
            self.result.link(tail, head, "cut", None, f"{word} {spot}".strip())

    def _ghost_loss(self) -> str:
        box = self.result.boxes.setdefault("loss-none", Box("loss-none", "loss", ["loss", "has no graph"]))
        return box.key

    def _optimizers(self, leaf_box: Mapping[int, str]) -> None:
        alone = {key: box for key, box in leaf_box.items() if box.startswith("leaf-")}
        for key, seen in self.merged.optimizers.items():
            groups = self.merged.groups[key].groups if key in self.merged.groups else ()
            held = [leaf for group in groups for leaf in group.leaves]
            if not any(leaf in self.leaf_path for leaf in held):
                continue
            lines = [f"{seen.name}: {seen.cls}"]
            lines.extend(
                f"group {n}: {len(group.leaves)} tensor{'' if len(group.leaves) == 1 else 's'}, lr {_short(group.lr)}"
                for n, group in enumerate(groups[:4])
            )
            if len(groups) > 4:
                lines.append(f"and {len(groups) - 4} more groups")
            box = Box(f"optimizer-{key}", "optimizer", lines)
            self.result.boxes[box.key] = box
            tied = [alone[leaf] for leaf in held if leaf in alone]
            for name in tied if len(alone) <= TIED else ():
                self.result.link(box.key, name, "holds")

    # ------------------------------------------------------------------ clusters and notes

    def _clusters(self) -> None:
        for box in self.result.boxes.values():
            if box.kind == "run":
                extra = box.count - len(box.label)
                if extra > 0:
                    box.label.append(f"({box.count} ops)")
            for size in range(1, len(box.path) + 1):
                path = box.path[:size]
                self.result.clusters.setdefault(path, " ".join(self._title(path)))

    def _tell(self) -> None:
        folded = [box for box in self.result.boxes.values() if box.kind == "module"]
        if folded:
            ops = sum(box.count for box in folded)
            self.result.notes.append(f"{ops} ops are folded into {len(folded)} module boxes")
        blocks = {first: count for first, count in self.repeats.values() if self._as_drawn(first) == first}
        for first, count in sorted(blocks.items()):
            self.result.notes.append(f"{count} equal {self._class(first) or 'modules'} are drawn once")
        if self.merged.left_out:
            self.result.notes.append(f"{self.merged.left_out} more graphs of other shapes are not drawn")


def node_name(name: str) -> str:
    """Return a node's name without its suffix: ``AddmmBackward0`` -> ``Addmm``."""
    short = name.rpartition("::")[2]
    return short.partition("Backward")[0] or short


def _short(value: float | None) -> str:
    return "?" if value is None or math.isnan(value) else f"{value:.3g}"
