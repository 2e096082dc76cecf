"""The full graph of a trace as a ``networkx.MultiDiGraph``. ``docs/graph.md`` documents its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tracer.events import GradAccumulated, GradMeasured, OptimizerStepped, ValueMeasured
from tracer.graphs.merged import Merged, merge_graphs
from tracer.traces import Trace

if TYPE_CHECKING:
    import networkx as nx


def build_graph(trace: Trace) -> nx.MultiDiGraph[Any]:
    """Return everything that a trace knows as one graph.

    ``tracer.graphs.attributes`` tells the keys and attributes. Every node and edge has ``kind``. Values are strings,
    numbers and booleans, so GraphML can hold them.
    """
    import networkx as nx

    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(torch=trace.header.torch, program=trace.header.program)
    merged = merge_graphs(trace, most=1_000_000)
    _add_modules(graph, merged)
    _add_leaves(graph, merged, trace)
    keys = _add_ops(graph, merged)
    _add_optimizers(graph, merged, trace)
    _add_cuts(graph, merged, keys)
    return graph


def _model_name(merged: Merged, model: int | None) -> str:
    return merged.models[model].name if model in merged.models else ""


def _add_modules(graph: nx.MultiDiGraph[Any], merged: Merged) -> None:
    by_path = {(m.model, m.path): m.module for m in merged.modules.values()}
    for seen in merged.modules.values():
        graph.add_node(
            f"module:{seen.module}", kind="module", name=seen.path, model=_model_name(merged, seen.model),
            cls=seen.cls, calls=seen.calls,
        )  # fmt: skip
        parent = by_path.get((seen.model, seen.path.rpartition(".")[0])) if seen.path else None
        if parent is not None:
            graph.add_edge(f"module:{parent}", f"module:{seen.module}", kind="contains")


def _add_leaves(graph: nx.MultiDiGraph[Any], merged: Merged, trace: Trace) -> None:
    accumulated: dict[int, int] = {}
    norms: dict[int, float] = {}
    changed: set[int] = set()
    for event in trace.events:
        match event:
            case GradAccumulated():
                accumulated[event.leaf] = accumulated.get(event.leaf, 0) + 1
            case GradMeasured(norm=float() as norm):
                norms[event.leaf] = norm
            case ValueMeasured(changed=True, optimizer=int()):
                changed.add(event.leaf)
    reached = {node.leaf for node in merged.nodes if node.leaf is not None}
    for leaf in merged.leaves.values():
        graph.add_node(
            f"leaf:{leaf.leaf}", kind="leaf", name=leaf.name, model=_model_name(merged, leaf.model),
            shape="x".join(map(str, leaf.shape)), dtype=leaf.dtype, device=leaf.device, leaf_kind=leaf.kind,
            requires_grad=leaf.requires_grad, reached=leaf.leaf in reached,
            accumulated=accumulated.get(leaf.leaf, 0), norm=norms.get(leaf.leaf, -1.0), owners="", stepped=0,
            changed=leaf.leaf in changed,
        )  # fmt: skip
        if leaf.module in merged.modules:
            graph.add_edge(f"module:{leaf.module}", f"leaf:{leaf.leaf}", kind="contains")


def _add_ops(graph: nx.MultiDiGraph[Any], merged: Merged) -> list[str]:
    keys: list[str] = []
    first: dict[int, int] = {}
    for i, node in enumerate(merged.nodes):
        number = merged.graph_of[i]
        index = i - first.setdefault(number, i)
        if node.leaf is not None and f"leaf:{node.leaf}" in graph:
            keys.append(f"leaf:{node.leaf}")
            continue
        key = f"op:{number}:{index}"
        keys.append(key)
        place = None if node.place is None else merged.places.get(node.place)
        module = None if node.module is None else merged.modules.get(node.module)
        norm = merged.norms[i]
        graph.add_node(
            key, kind="op", name=node.name, op=node.op or "", graph=number,
            module="" if module is None else module.path,
            model="" if module is None else _model_name(merged, module.model),
            file="" if place is None else place.file, line=0 if place is None else place.line,
            norm=-1.0 if norm is None else norm, culprit=merged.culprits.get(i, ""),
        )  # fmt: skip
    for (source, target), slot in zip(merged.edges, merged.slots, strict=True):
        graph.add_edge(keys[source], keys[target], kind="gradient", slot=slot)
    return keys


def _add_optimizers(graph: nx.MultiDiGraph[Any], merged: Merged, trace: Trace) -> None:
    steps: dict[int, int] = {}
    for event in trace.of(OptimizerStepped):
        steps[event.optimizer] = steps.get(event.optimizer, 0) + 1
    for key, seen in merged.optimizers.items():
        graph.add_node(f"optimizer:{key}", kind="optimizer", name=seen.name, cls=seen.cls, steps=steps.get(key, 0))
        for number, group in enumerate(merged.groups[key].groups if key in merged.groups else ()):
            name = f"group:{key}:{number}"
            graph.add_node(
                name, kind="group", name=f"{seen.name}[{number}]", lr=-1.0 if group.lr is None else group.lr,
                weight_decay=group.weight_decay or 0.0, momentum=group.momentum or 0.0, tensors=len(group.leaves),
            )  # fmt: skip
            graph.add_edge(f"optimizer:{key}", name, kind="has")
            for leaf in group.leaves:
                if f"leaf:{leaf}" in graph:
                    graph.add_edge(name, f"leaf:{leaf}", kind="holds")
                    node = graph.nodes[f"leaf:{leaf}"]
                    node["owners"] = ",".join(filter(None, (node["owners"], seen.name)))
                    node["stepped"] += steps.get(key, 0)


def _add_cuts(graph: nx.MultiDiGraph[Any], merged: Merged, keys: list[str]) -> None:
    at_place: dict[int, str] = {}
    for i, node in enumerate(merged.nodes):
        if node.place is not None:
            at_place.setdefault(node.place, keys[i])
    fallback = keys[merged.roots[0][0]] if merged.roots else None
    for cut in merged.cuts:
        head = at_place.get(cut.reentry, fallback) if cut.reentry is not None else fallback
        place = None if cut.place is None else merged.places.get(cut.place)
        if head is not None and f"leaf:{cut.leaf}" in graph:
            graph.add_edge(
                f"leaf:{cut.leaf}", head, kind="cut", cut=cut.kind, op=cut.op, certain=cut.certain,
                file="" if place is None else place.file, line=0 if place is None else place.line,
            )  # fmt: skip
