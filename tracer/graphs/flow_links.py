"""Links along which values ran: between boxes, to what backward started from, and from leaves that ask for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracer.graphs.items import Box
from tracer.graphs.scene import Scene

#: Calls of backward that get boxes of their own.
LOSSES = 6


def link_flow(scene: Scene, shown: Sequence[str]) -> None:
    """Link boxes as values ran. What passes from one copy of a repeated module to the next is told in words."""
    nodes, norms, paths = scene.merged.nodes, scene.merged.norms, scene.tree.module_path
    repeated = {key for key, path in paths.items() if scene.turns(path)}
    link = scene.view.link
    for source, target in scene.merged.edges:
        tail, head = shown[target], shown[source]
        if not tail or not head or tail == head:
            continue
        a, b = nodes[source].module, nodes[target].module
        if a in repeated and b in repeated and scene.carries_on(paths[a], paths[b]):
            continue
        link(tail, head, "flow", norms[target])


def place_losses(scene: Scene, shown: Sequence[str]) -> None:
    """Make a box for each call of backward, behind the node that it started from."""
    for number, (root, start) in enumerate(scene.merged.roots[:LOSSES]):
        if not shown[root]:
            continue
        value = "" if start.root_value is None else f" = {start.root_value:.4g}"
        spot = scene.merged.spot(start.place)
        box = Box(f"loss-{number}", "loss", [f"loss{value}", f"{start.call}  {spot}" if spot else start.call])
        scene.view.boxes[box.key] = box
        scene.view.link(shown[root], box.key, "flow", scene.merged.norms[root])
    more = len(scene.merged.roots) - LOSSES
    if more > 0:
        scene.view.notes.append(f"{more} more calls of backward started from this graph")


def link_idle(scene: Scene, shown: Sequence[str], leaf_box: Mapping[int, str]) -> None:
    """Tie leaves that took part without a gradient to their module's operation, where one is drawn."""
    tied = {link.tail for link in scene.view.links.values()}
    op_of: dict[tuple[str, ...], str] = {}
    for key in shown:
        if key and key.startswith("op-"):
            op_of.setdefault(scene.view.boxes[key].path, key)
    for leaf, key in leaf_box.items():
        box = scene.view.boxes[key]
        if box.kind == "leaf" and key not in tied and box.path and scene.states[leaf].look in ("frozen", "info"):
            head = op_of.get(box.path)
            if head is not None:
                scene.view.link(key, head, "idle")
