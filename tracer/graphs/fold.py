"""The folded view: a picture's worth of boxes for any graph, healthy regions closed, sick ones open."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from tracer.graphs.cut_boxes import place_cuts
from tracer.graphs.flow_links import link_flow, link_idle, place_losses
from tracer.graphs.folds import Repeat, fold_chains, fold_repeats
from tracer.graphs.frames import join_frames
from tracer.graphs.items import Cluster, LeafState, Path, View
from tracer.graphs.leaf_boxes import place_leaves
from tracer.graphs.merged import Merged
from tracer.graphs.op_boxes import module_title, node_name, place_ops
from tracer.graphs.opening import Wish, choose_open
from tracer.graphs.optimizer_boxes import place_optimizers
from tracer.graphs.scene import Head, Scene
from tracer.graphs.tree import Tree

#: Boxes that a default picture has at most, about.
VISIBLE = 110
#: Up to so many boxes, every leaf and every operation has its own.
DETAILED = 44
#: Up to so many boxes, every module has its own although some are equal.
PLAIN = 22
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
    wanted = {"depth": depth, "focus": focus, "expand": expand, "only_problems": only_problems, "visible": visible}
    return fold_ground(Ground(merged, states), **wanted)  # type: ignore[arg-type]


class Ground:
    """What all foldings of one graph share, worked out once: the rest takes time by boxes, not by nodes."""

    def __init__(self, merged: Merged, states: Mapping[int, LeafState]) -> None:
        self.merged, self.states = merged, states
        self.tree = Tree(merged, states)
        self.absorbed = _absorbed(self.tree)
        self.chain = _chains(self.tree, self.absorbed)
        self.marks = self.tree.signatures()
        self.heads: Counter[Head] = Counter()
        self.turn_of: dict[int, int] = {}
        self._number_heads()

    def _number_heads(self) -> None:
        """Count the chains of each kind: which of them is meant is the same in every copy of a module."""
        for i, node in enumerate(self.merged.nodes):
            if self.chain[i] == i and self.tree.is_op[i] and i not in self.absorbed:
                mark = (node.module, node.name, node.place)
                self.turn_of[i] = self.heads[mark]
                self.heads[mark] += 1

    def scene(self, repeats: dict[Path, Repeat], *, apart: int = 4, detailed: bool = False) -> Scene:
        """Return a scene to fold."""
        return Scene(
            self.merged, self.states, self.tree, repeats, self.chain, self.absorbed, self.heads, self.turn_of,
            apart=apart, detailed=detailed,
        )  # fmt: skip


def fold_ground(
    ground: Ground,
    *,
    depth: int | None = None,
    focus: str | None = None,
    expand: Sequence[str] = (),
    only_problems: bool = False,
    visible: int = VISIBLE,
) -> View:
    """Return the boxes and links to draw; arguments as for ``fold_view``."""
    globs = tuple(expand)
    if depth is None and visible >= DETAILED:
        for most, cards in ((DETAILED, False), (PLAIN, True)):
            scene = ground.scene({}, apart=most // 3, detailed=not cards)
            if scene.chains_in().total() + len(ground.tree.leaf_path) > 3 * most or not (cards or visible >= VISIBLE):
                continue  # too many to try, or tried before and too large
            view = _fold(scene, Wish(depth, focus, globs, visible, cards), only_problems)
            if len(view.boxes) <= most:
                return view
    repeats = fold_repeats(ground.tree.children, ground.marks.get, least=3 if visible >= VISIBLE else 2)
    return _fold(ground.scene(repeats), Wish(depth, focus, globs, visible, cards=depth is None), only_problems)


def _fold(scene: Scene, wish: Wish, only_problems: bool) -> View:
    choose_open(scene, wish)
    shown = place_ops(scene)
    leaf_box = place_leaves(scene, only_problems=only_problems)
    for i, node in enumerate(scene.merged.nodes):
        if node.leaf is not None:
            shown[i] = leaf_box.get(node.leaf, "")
    for i, target in scene.absorbed.items():
        shown[i] = shown[target]
    scene.view.leaf_boxes, scene.view.detailed = leaf_box, scene.detailed
    place_optimizers(scene, leaf_box)
    link_flow(scene, shown)
    place_losses(scene, shown)
    place_cuts(scene, shown, leaf_box)
    link_idle(scene, shown, leaf_box)
    _frame(scene)
    join_frames(scene.view)
    _tell(scene)
    return scene.view


def _absorbed(tree: Tree) -> dict[int, int]:
    """Return op -> leaf node for ops that only reshape one leaf on its way: ``weight.t()``."""
    nodes, culprits = tree.merged.nodes, tree.merged.culprits
    trivial = {
        i: -1
        for i, node in enumerate(nodes)
        if not node.details and node.leaf is None and i not in culprits and node_name(node.name) in _RESHAPING
    }
    for source, target in tree.merged.edges:
        if source in trivial:
            trivial[source] = target if trivial[source] == -1 else -2
    return {i: at for i, at in trivial.items() if at >= 0 and nodes[at].leaf in tree.leaf_path}


def _chains(tree: Tree, absorbed: dict[int, int]) -> list[int]:
    nodes, culprits = tree.merged.nodes, tree.merged.culprits
    used = {target for _, target in tree.merged.edges}  # a root that others build on has a box of its own
    alone = {root for root, _ in tree.merged.roots if root in used} | culprits.keys() | absorbed.keys()
    # 0 is no group: a number each is quicker to compare than what it stands for
    modules: dict[int | None, int] = {key: number for number, key in enumerate(tree.module_path, 2)}
    groups = [0 if node.leaf is not None or node.details else modules.get(node.module, 1) for node in nodes]
    for i in alone:
        groups[i] = 0

    def group(i: int) -> object:
        return groups[i] or None

    inner = ((a, b) for a, b in tree.merged.edges if tree.is_op[b] and b not in absorbed)
    return fold_chains(len(nodes), inner, group)


def _frame(scene: Scene) -> None:
    """Make the frames of open modules that have something inside."""
    for box in scene.view.boxes.values():
        for size in range(1, len(box.path) + 1):
            path = box.path[:size]
            if path in scene.view.clusters:
                continue
            title, beside = module_title(scene, path)
            repeat = scene.repeats.get(path)
            if repeat is not None:
                beside = f"{beside}, one drawn for all"
            ops = scene.tree.ops[path]
            tooltip = f"{'.'.join(path).partition(':')[2]} {scene.tree.cls(path)}\n{ops} operations"
            scene.view.clusters[path] = Cluster(title, beside, tooltip)


def _tell(scene: Scene) -> None:
    boxes, notes = scene.view.boxes.values(), scene.view.notes
    folded = [box for box in boxes if box.kind in ("module", "card") and box.count > 1]
    if folded:
        inside = sum(box.count for box in folded)
        notes.append(f"{inside} operations are folded into {len(folded)} module boxes")
    runs: dict[str, int] = defaultdict(int)
    for path, repeat in scene.repeats.items():
        if path == repeat.first and scene.drawn(path) == path and scene.closed(path[:-1]) is None:
            runs[f"{repeat.count} equal {scene.tree.cls(path) or 'modules'}"] += 1
    notes.extend(f"{what} are drawn once{f' ({count} times)' if count > 1 else ''}" for what, count in runs.items())
    if scene.merged.left_out:
        notes.append(f"{scene.merged.left_out} more graphs of other shapes are not drawn")
