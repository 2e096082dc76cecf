"""Leaves as boxes of their own in open modules, as lines of the module's box in closed ones."""

from __future__ import annotations

from tracer.graphs.items import Box, Group, LeafState, Path, Row
from tracer.graphs.op_boxes import module_box
from tracer.graphs.scene import Scene

#: Leaves outside of all modules that are drawn one by one; more share a box.
LOOSE = 24


def place_leaves(scene: Scene, *, only_problems: bool = False) -> dict[int, str]:
    """Make the boxes of all leaves; return the box that shows each."""
    held = _holders(scene)
    loose = len(scene.tree.leaves.get((), ())) > LOOSE
    found: dict[int, str] = {}
    twins: dict[tuple[Path, str], str] = {}
    for key, path in scene.tree.leaf_path.items():
        state, drawn = scene.states[key], scene.drawn(path)
        groups = held.get(key, set())
        closed = scene.closed(drawn)
        if closed is None and only_problems and not state.sick:
            continue
        if closed is not None:
            box = module_box(scene, closed)
            _add_row(box, key, state, groups)
        elif not path and loose:
            box = _loose_box(scene)
            _add_row(box, key, state, groups)
        else:
            box = _own_box(scene, key, drawn, state, twins)
        box.groups |= groups
        box.widen(state.norm)
        found[key] = box.key
    for box in scene.view.boxes.values():
        _shade(box)
    return found


def _holders(scene: Scene) -> dict[int, set[Group]]:
    """Return the param groups that hold each leaf, and give each group its sign."""
    found: dict[int, set[Group]] = {}
    for optimizer in scene.merged.optimizers:
        seen = scene.merged.groups.get(optimizer)
        for number, group in enumerate(() if seen is None else seen.groups):
            known = [leaf for leaf in group.leaves if leaf in scene.tree.leaf_path]
            if known:
                scene.view.groups[optimizer, number] = len(scene.view.groups)
            for leaf in known:
                found.setdefault(leaf, set()).add((optimizer, number))
    return found


def _own_box(scene: Scene, key: int, path: Path, state: LeafState, twins: dict[tuple[Path, str], str]) -> Box:
    short = state.name if not path else state.name.rpartition(".")[2]
    known = twins.get((path, short))
    if known is not None:
        box = scene.view.boxes[known]
        box.count += 1
        box.label[0] = f"{short} × {box.count}"
        return box
    name = twins[path, short] = f"leaf-{key}"
    tooltip = [state.name, *([state.tooltip] if state.tooltip else [])]
    box = Box(name, "leaf", [short, state.word, *state.facts], path, state.look, tooltip)
    box.beside, box.family = sizes(state.shape), state.family
    scene.view.boxes[name] = box
    return box


def sizes(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it."""
    return " × ".join(map(str, shape)) or "scalar"


def _add_row(box: Box, key: int, state: LeafState, groups: set[Group]) -> None:
    """Show a leaf as a line: by name on a card, else counted with those of the same state."""
    name = state.name.rpartition(".")[2] if box.kind == "card" else ""
    for row in box.rows:
        if row.word == state.word and row.name == name:
            row.count += 1
            row.groups |= groups
            return
    shape = sizes(state.shape) if name else ""
    box.rows.append(
        Row(
            state.word,
            state.look,
            state.family,
            key,
            name,
            shape,
            groups=set(groups),
            tooltip=f"{state.name}\n{state.tooltip}".strip(),
        )
    )


def _loose_box(scene: Scene) -> Box:
    return scene.view.boxes.setdefault("leaves-outside", Box("leaves-outside", "module", ["leaves outside of modules"]))


def _shade(box: Box) -> None:
    """A box whose leaves are all frozen looks frozen; the sick come first among its lines."""
    if box.kind in ("module", "card") and box.rows:
        worst = {"error": 0, "warning": 1, "info": 2}
        if box.kind == "module":
            box.rows.sort(key=lambda row: (worst.get(row.look, 3), -row.count))
        looks = {row.look for row in box.rows}
        sick = "error" if "error" in looks else "warning" if "warning" in looks else "ok"
        box.state = "frozen" if looks == {"frozen"} else sick
