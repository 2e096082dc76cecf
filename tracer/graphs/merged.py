"""The autograd graphs of a trace side by side in plain lists, with what was measured at their nodes."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracer.events import (
    BackwardEnded,
    BackwardStarted,
    CutFound,
    GraphSeen,
    GroupsSeen,
    LeafSeen,
    ModelSeen,
    ModuleSeen,
    Node,
    OptimizerSeen,
    PlaceSeen,
)
from tracer.traces import Trace


@dataclass(slots=True)
class Merged:
    """All chosen graphs with one numbering of nodes. Edges run from the loss towards the leaves."""

    nodes: list[Node] = field(default_factory=list)
    graph_of: list[int] = field(default_factory=list)  #: graph key per node
    edges: list[tuple[int, int]] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)  #: per edge, which output of the target the gradient belongs to
    norms: list[float | None] = field(default_factory=list)
    culprits: dict[int, str] = field(default_factory=dict)
    roots: list[tuple[int, BackwardStarted]] = field(default_factory=list)
    left_out: int = 0  #: further distinct graphs that are not in it
    places: dict[int, PlaceSeen] = field(default_factory=dict)
    models: dict[int, ModelSeen] = field(default_factory=dict)
    modules: dict[int, ModuleSeen] = field(default_factory=dict)
    leaves: dict[int, LeafSeen] = field(default_factory=dict)
    optimizers: dict[int, OptimizerSeen] = field(default_factory=dict)
    groups: dict[int, GroupsSeen] = field(default_factory=dict)
    cuts: list[CutFound] = field(default_factory=list)

    def spot(self, place: int | None) -> str:
        """Return ``file:line`` of a place, with the last part of the path only."""
        seen = None if place is None else self.places.get(place)
        return "" if seen is None else f"{seen.file.rpartition('/')[2]}:{seen.line}"


def merge_graphs(trace: Trace, most: int = 4) -> Merged:
    """Take the distinct graphs of a trace together.

    Graphs that a ``backward`` accumulated from come before those of ``autograd.grad``, earlier before later;
    at most ``most`` are taken. Norms are those of the last backward over each graph; culprits are those of
    the first backward that had any.
    """
    merged = Merged()
    graphs: dict[int, GraphSeen] = {}
    started: dict[int, BackwardStarted] = {}
    ended: dict[int, BackwardEnded] = {}
    for event in trace.events:
        match event:
            case GraphSeen():
                graphs[event.graph] = event
            case BackwardStarted():
                started[event.backward] = event
            case BackwardEnded():
                ended[event.backward] = event
            case CutFound():
                merged.cuts.append(event)
            case _:
                _index(merged, event)
    chosen = _choose(started, graphs)
    merged.left_out = max(0, len(chosen) - most)
    for graph in chosen[:most]:
        runs = [b for b in started.values() if b.graph == graph]
        _add(merged, graphs[graph], runs, ended)
    return merged


def _index(merged: Merged, event: object) -> None:
    match event:
        case PlaceSeen():
            merged.places[event.place] = event
        case ModelSeen():
            merged.models[event.model] = event
        case ModuleSeen():
            merged.modules.setdefault(event.module, event)
        case LeafSeen():
            merged.leaves[event.leaf] = event
        case OptimizerSeen():
            merged.optimizers[event.optimizer] = event
        case GroupsSeen():
            merged.groups[event.optimizer] = event


def _choose(started: dict[int, BackwardStarted], graphs: dict[int, GraphSeen]) -> list[int]:
    outer = [b for b in started.values() if b.inside is None and b.graph in graphs]
    first = [b.graph for b in outer if b.call == "backward"]
    second = [b.graph for b in started.values() if b.graph in graphs]
    # Graphs over the same leaves with the same nodes differ only in the line of the call: one is enough.
    shapes: dict[tuple[object, ...], int] = {}
    for graph in dict.fromkeys(g for g in (*first, *second) if g is not None):
        seen = graphs[graph]
        shape = (
            len(seen.nodes),
            len(seen.edges),
            frozenset(n.leaf for n in seen.nodes if n.leaf is not None),
        )
        known = shapes.setdefault(shape, graph)
        if _lineless(graphs[known]):
            shapes[shape] = graph
    return list(shapes.values())


def _lineless(graph: GraphSeen) -> bool:
    return all(node.op is None for node in graph.nodes)


def _latest_norms(ends: list[BackwardEnded]) -> tuple[float | None, ...]:
    """Return the norms of the last backward that was watched whole: most that come again are watched in part."""
    most = 0
    found: tuple[float | None, ...] = ()
    for end in ends:
        measured = len(end.norms) - end.norms.count(None)
        if measured >= most:
            most, found = measured, end.norms
    return found


def _add(merged: Merged, graph: GraphSeen, runs: list[BackwardStarted], ended: dict[int, BackwardEnded]) -> None:
    base = len(merged.nodes)
    merged.nodes.extend(graph.nodes)
    merged.graph_of.extend([graph.graph] * len(graph.nodes))
    merged.edges.extend((base + source, base + target) for source, target, _ in graph.edges)
    merged.slots.extend(slot for _, _, slot in graph.edges)
    ends = [ended[b.backward] for b in runs if b.backward in ended]
    merged.norms.extend(_latest_norms(ends) or [None] * len(graph.nodes))
    for end in ends:
        if end.culprits:
            for node, kind in end.culprits:
                merged.culprits.setdefault(base + node, kind)
            break
    for root in runs[0].roots if runs else ():
        merged.roots.append((base + root, runs[-1]))
