"""Frames around a single thing say nothing of their own: they become part of its name."""

from __future__ import annotations

from collections import defaultdict

from tracer.graphs.items import Box, Cluster, Path, View


def join_frames(view: View) -> None:
    """Take away frames, below the model, that hold one frame or one folded module and nothing else."""
    boxes: dict[Path, list[Box]] = defaultdict(list)
    inner: dict[Path, list[Path]] = defaultdict(list)
    for box in view.boxes.values():
        boxes[box.path].append(box)
    for path in view.clusters:
        inner[path[:-1]].append(path)
    for path in sorted(view.clusters, key=len):  # from the outside in: names grow to the right
        if len(path) < 2 or path not in view.clusters:
            continue
        single, frames = boxes[path], inner[path]
        cluster = view.clusters[path]
        if not single and len(frames) == 1:
            _prefix(view.clusters[frames[0]], cluster)
            del view.clusters[path]
        elif len(single) == 1 and not frames and single[0].kind in ("module", "card"):
            single[0].label[0] = f"{cluster.title}{_between(single[0].label[0])}{single[0].label[0]}"
            single[0].path = path[:-1]
            del view.clusters[path]


def _prefix(cluster: Cluster, outer: Cluster) -> None:
    cluster.title = f"{outer.title}{_between(cluster.title)}{cluster.title}"
    cluster.tooltip = f"{outer.tooltip}\n{cluster.tooltip}"


def _between(title: str) -> str:
    return ": " if " × " in title else "."
