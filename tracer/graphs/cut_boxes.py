"""Where paths to the loss were cut: a mark with its line, between the leaves behind it and where the value went on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.events import CutFound
from tracer.graphs.items import Box, Path
from tracer.graphs.scene import Scene

#: kind of cut -> how the mark calls it; others are called as the function.
_CALLED = {
    "detach": "detach()",
    "data": ".data",
    "no_grad": "no_grad",
    "inference_mode": "inference_mode",
    "item": ".item()",
    "numpy": "numpy",
    "rewrap": "new tensor",
    "requires_grad": "requires_grad off",
    "parameter": "new Parameter",
    "checkpoint": "checkpoint",
    "none": "returns None",
    "copy": "copied into a tensor",
}


def place_cuts(scene: Scene, shown: Sequence[str], leaf_box: Mapping[int, str]) -> None:
    """Make a mark for each line that cut off a leaf in trouble, and dashed links through it."""
    at_place = _boxes_at(scene, shown)
    fallback = next((shown[root] for root, _ in scene.merged.roots if shown[root]), None)
    for cut in scene.merged.cuts:
        state, tail = scene.states.get(cut.leaf), leaf_box.get(cut.leaf)
        # The cut of another loss is none of this leaf's trouble.
        if tail is None or state is None or not state.sick:
            continue
        if state.lines and not _lines_of(scene, cut) & state.lines:
            continue
        near = scene.tree.leaf_path.get(cut.leaf, ())
        entries = at_place.get(cut.reentry, {}) if cut.reentry is not None else {}
        # a line runs once per copy of a block: the copy that holds the leaf, or is nearest to it, is meant
        head = next((entries[near[:size]] for size in range(len(near), -1, -1) if near[:size] in entries), fallback)
        mark = _mark(scene, cut, head or _ghost_loss(scene), scene.view.boxes[tail].path)
        scene.view.link(tail, mark.key, "cut")
        mark.count += 1


def _boxes_at(scene: Scene, shown: Sequence[str]) -> dict[int, dict[Path, str]]:
    """Return, per line at which a cut value came back, the box of its first operation in or below each module."""
    wanted = {cut.reentry for cut in scene.merged.cuts if cut.reentry is not None}
    found: dict[int, dict[Path, str]] = {place: {} for place in wanted}
    for i, node in enumerate(scene.merged.nodes if wanted else ()):
        if node.place in found and shown[i]:
            path = scene.tree.path_of(i)
            for size in range(len(path) + 1):
                found[node.place].setdefault(path[:size], shown[i])
    return found


def _mark(scene: Scene, cut: CutFound, head: str, tail_path: Path) -> Box:
    place = cut.block if cut.block is not None else cut.place
    key = f"cut-{cut.kind}-{place}-{head}"
    box = scene.view.boxes.get(key)
    if box is not None:
        box.path = _common(box.path, tail_path)
        return box
    word = _CALLED.get(cut.kind, f"{cut.op or cut.kind}")
    label = [word if cut.certain else f"{word} (probably)", scene.merged.spot(place)]
    path = _common(scene.view.boxes[head].path, tail_path)
    box = scene.view.boxes[key] = Box(key, "cut", label, path, count=0)
    seen = None if place is None else scene.merged.places.get(place)
    if seen is not None:
        box.tooltip.append(f"{seen.file}:{seen.line} in {seen.function}")
        line = seen.line - seen.first
        if 0 <= line < len(seen.code):
            box.tooltip.append(seen.code[line].strip())
            box.label.append(seen.code[line].strip())
    box.tooltip.append("no gradient comes back past this line")
    scene.view.link(key, head, "cut")
    return box


def _lines_of(scene: Scene, cut: CutFound) -> set[tuple[str, int]]:
    seen = (scene.merged.places.get(place) for place in (cut.place, cut.block) if place is not None)
    return {(place.file, place.line) for place in seen if place is not None}


def _common(a: Path, b: Path) -> Path:
    size = 0
    while size < min(len(a), len(b)) and a[size] == b[size]:
        size += 1
    return a[:size]


def _ghost_loss(scene: Scene) -> str:
    """Return the box of a loss without a graph."""
    return scene.view.boxes.setdefault("loss-none", Box("loss-none", "loss", ["loss", "has no graph"])).key
