"""Optimizers with their param groups, tied to what they hold: leaf by leaf in small pictures, else to the model."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tracer.graphs.items import Box, Group, Path, Row
from tracer.graphs.scene import Scene

#: Leaves tied one by one; with more, the sign of the param group on each leaf tells it.
TIED = 8
#: Param groups listed on an optimizer's box.
LISTED = 5


def place_optimizers(scene: Scene, leaf_box: Mapping[int, str]) -> None:
    """Make a box per optimizer and link it to leaves, or to the frames around them."""
    for key, seen in scene.merged.optimizers.items():
        known = scene.merged.groups.get(key)
        groups = () if known is None else known.groups
        if not any((key, number) in scene.view.groups for number in range(len(groups))):
            continue
        box = Box(f"optimizer-{key}", "optimizer", [seen.name], beside=seen.cls if seen.cls != seen.name else "")
        for number, group in enumerate(groups[:LISTED]):
            many = f"{len(group.leaves)} tensor{'' if len(group.leaves) == 1 else 's'}"
            word = f"{'' if len(groups) == 1 else f'group {number}: '}{many}, lr {short(group.lr)}"
            box.rows.append(Row(word, "optimizer", groups={(key, number)}))
        if len(groups) > LISTED:
            box.label.append(f"and {len(groups) - LISTED} more groups")
        scene.view.boxes[box.key] = box
        for number, group in enumerate(groups):
            _tie(scene, box, (key, number), [leaf_box[leaf] for leaf in group.leaves if leaf in leaf_box])


def _tie(scene: Scene, box: Box, group: Group, names: list[str]) -> None:
    held = list(dict.fromkeys(names))
    alone = [name for name in held if scene.view.boxes[name].kind == "leaf"]
    if scene.detailed and len(alone) == len(held) <= TIED:
        for name in alone:
            link = scene.view.link(box.key, name, "holds")
            if link is not None:
                link.group = group
        return
    around: set[Path] = set()
    for name in held:
        path = scene.view.boxes[name].path[:1]
        if path in around:
            continue
        around.add(path)
        link = scene.view.link(box.key, name, "holds")
        if link is not None:
            link.group, link.into = group, path or None


def short(value: float | None) -> str:
    """Return a learning rate in few characters."""
    return "?" if value is None or math.isnan(value) else f"{value:.3g}"
