"""Operations as boxes: chains in open modules, one box for each closed module."""

from __future__ import annotations

from tracer.graphs.items import Box, Path, Row
from tracer.graphs.scene import Scene

#: Names in the label of a chain.
NAMED = 4
#: Operations of a chain that are looked at for its label and tooltip; the rest is counted.
NAMING = 40


def place_ops(scene: Scene) -> list[str]:
    """Make the boxes of all operations; return the box of each node, "" for leaves."""
    nodes, norms, chain, is_op = scene.merged.nodes, scene.merged.norms, scene.chain, scene.tree.is_op
    shown: list[str] = []
    closed_box: dict[int | None, Box | None] = {}
    box_of: dict[int, Box] = {}  # head of a chain -> its box
    for i, node in enumerate(nodes):
        if not is_op[i] or i in scene.absorbed:
            shown.append("")
            continue
        if node.module not in closed_box:
            around = scene.closed(scene.drawn(scene.tree.path_of(i)))
            closed_box[node.module] = None if around is None else module_box(scene, around)
        box = closed_box[node.module]
        if box is None:
            box = box_of.get(chain[i])
            if box is None or box.count < NAMING or node.details:
                box = box_of[chain[i]] = _chain_box(scene, i)
            else:
                box.count += 1
        if norms[i] is not None:
            box.widen(norms[i])
        shown.append(box.key)
    for i, kind in scene.merged.culprits.items():
        if shown[i] and not scene.view.boxes[shown[i]].mark:
            scene.view.boxes[shown[i]].mark = kind
    for box in scene.view.boxes.values():
        _name_chain(box, scene.detailed)
    return shown


def _chain_box(scene: Scene, i: int) -> Box:
    merged, head = scene.merged, scene.chain[i]
    node, path = merged.nodes[head], scene.drawn(scene.tree.path_of(i))
    many = scene.heads[node.module, node.name, node.place] > scene.apart
    turn = 0 if many else scene.turn_of.get(head, 0)
    mark = f"{'.'.join(path)}|{node.name}|{node.place}|{turn}|{head in merged.culprits}"
    key = scene.twins.setdefault(mark, f"op-{head}")
    box = scene.view.boxes.get(key)
    if box is None:
        box = scene.view.boxes[key] = Box(key, "op", [], path, count=0)
    box.count += 1
    own = merged.nodes[i]
    if key == f"op-{head}" and len(box.rows) < NAMING:  # the first of its twins names them all
        box.rows.append(Row(node_name(own.name), "op", name=own.op or "", shape=merged.spot(own.place)))
        box.label.extend(own.details)
    if box.count > 1:
        box.kind = "run"
    if len(box.tooltip) < 8:
        spot = merged.spot(own.place)
        line = f"{own.name}{f' at {spot}' if spot else ''}"
        if line not in box.tooltip:
            box.tooltip.append(line)
    return box


def _name_chain(box: Box, detailed: bool) -> None:
    """Turn the operations gathered in a box into its label, in the order of the forward pass."""
    if box.kind not in ("op", "run"):
        return
    steps, box.rows = box.rows[::-1], []
    calls = _distinct([step.name.strip("_") or step.word for step in steps])
    nodes = _distinct([step.word for step in steps])
    label = [_joined(calls)]
    if box.count > len(steps):
        box.beside = f"× {box.count // len(steps)}" if box.count % len(steps) == 0 else f"{box.count} ops"
    under = [] if [name.lower() for name in nodes] == [name.lower() for name in calls] else [_joined(nodes)]
    if detailed and steps and steps[-1].shape:
        under.append(steps[-1].shape)
    label.append("  ".join(under))
    box.label = [*filter(None, label), *box.label]


def _distinct(names: list[str]) -> list[str]:
    return [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]


def _joined(names: list[str]) -> str:
    shown = names if len(names) <= NAMED else [*names[: NAMED - 2], "…", names[-1]]
    return " → ".join(shown)


def node_name(name: str) -> str:
    """Return a node's name without its suffix: ``AddmmBackward0`` -> ``Addmm``."""
    short = name.rpartition("::")[2]
    return short.partition("Backward")[0] or short


def module_box(scene: Scene, path: Path) -> Box:
    """Return the box of a closed module, made when first asked for."""
    tree = scene.tree
    key = f"module-{tree.key(path)}"
    known = scene.view.boxes.get(key)
    if known is not None:
        return known
    title, beside = module_title(scene, path)
    ops, copies = tree.ops[path], scene.repeats[path].count if path in scene.repeats else 1
    plain = ops <= 1 and copies == 1 and not tree.below(path)
    kind = "card" if plain or (path in scene.cards and tree.leaves.get(path)) else "module"
    box = scene.view.boxes[key] = Box(key, kind, [title], path[:-1], count=ops, beside=beside, copies=copies)
    told = f"{ops} op{'' if ops == 1 else 's'}{' each' if copies > 1 else ''}"
    if kind == "module" or plain:
        names = [node_name(name) for name in tree.names.get(path, ())]
        box.label.append(names[0] if ops == 1 and len(names) == 1 else told if ops else "")
    box.tooltip.extend((f"{'.'.join(path).partition(':')[2]} {tree.cls(path)}".strip(), told))
    return box


def module_title(scene: Scene, path: Path) -> tuple[str, str]:
    """Return what stands on a module's frame or box: the bold part, and the part beside it."""
    cls = scene.tree.cls(path)
    name = path[-1].partition(":")[2] if len(path) == 1 else path[-1]
    repeat = scene.repeats.get(path)
    if repeat is not None:
        return f"{repeat.count} × {cls or name}", f"{repeat.first[-1]} – {repeat.last[-1]}"
    return name or cls, cls if name else ""
