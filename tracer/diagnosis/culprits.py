"""Which operation made a gradient zero, NaN or Inf: from what was measured at the nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Where
from tracer.diagnosis.lines import line_at, unique
from tracer.events import GraphSeen, Node

#: Kinds of culprits found in the forward pass.
FORWARD = frozenset({"forward", "data", "parameter"})


def culprits_of(leaf: LeafFacts, facts: Facts, kinds: frozenset[str]) -> tuple[tuple[Node, str], ...]:
    """Return the nodes that made the gradient of one leaf bad, in the order of the backwards.

    A node counts when it was reported as the first with good gradients coming in and bad ones going out,
    and the leaf lies behind it.
    """
    found = (pair for key in leaf.reached for pair in culprits_in(leaf, facts, key, kinds))
    return tuple({id(node): (node, kind) for node, kind in found}.values())


def culprits_in(leaf: LeafFacts, facts: Facts, backward: int, kinds: frozenset[str]) -> tuple[tuple[Node, str], ...]:
    """Return the same of one backward."""
    graph = graph_of(facts, backward)
    if graph is None:
        return ()
    return tuple((graph.nodes[node], kind) for node, kind in culprits_at(leaf, facts, backward, kinds))


def culprits_at(leaf: LeafFacts, facts: Facts, backward: int, kinds: frozenset[str]) -> tuple[tuple[int, str], ...]:
    """Return the same as positions in the graph's list of nodes."""
    ended, graph = facts.ended.get(backward), graph_of(facts, backward)
    if ended is None or graph is None:
        return ()
    return tuple(
        (node, kind)
        for node, kind in ended.culprits
        if kind in kinds and node < len(graph.nodes) and _led_on(facts, graph, node, kind, backward, leaf.leaf)
    )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values of the forward pass first went wrong, in one backward."""

    node: Node  #: the operation to blame, or the first that read what was bad already
    kind: str  #: "forward", "data" or "parameter"
    backward: int
    source: int | None  #: place where bad data was made


def origins_of(leaf: LeafFacts, facts: Facts) -> tuple[Origin, ...]:
    """Return where the forward passes behind a leaf's gradients went wrong, in order, each line once.

    A bad value spoils every gradient of its graph, on both sides of the operation that made it.
    """
    found: dict[tuple[int, int], Origin] = {}
    for key in leaf.reached:
        ended, graph = facts.ended.get(key), graph_of(facts, key)
        if ended is None or graph is None:
            continue
        for node, kind in ended.culprits:
            if kind in FORWARD and node < len(graph.nodes):
                found.setdefault((graph.graph, node), Origin(graph.nodes[node], kind, key, ended.source))
    return tuple(found.values())


def _led_on(facts: Facts, graph: GraphSeen, node: int, kind: str, backward: int, leaf: int) -> bool:
    """Tell whether the bad gradient went to a leaf: ``linear`` may zero its weight's and not its input's."""
    if kind != "zero" or not facts.ended[backward].norms:
        return leaf in _behind(facts, graph, node)
    return leaf in facts.once(("zeroed", backward, node), lambda facts: _zeroed(facts, graph, node, backward))


def _zeroed(facts: Facts, graph: GraphSeen, node: int, backward: int) -> frozenset[int]:
    """Return the leaves that a zero came to: one that is added to another gradient on its way goes no further."""
    norms = facts.ended[backward].norms
    below = neighbours(facts, graph)
    order = [i for i in below.get(node, ()) if norms[i] in (None, 0.0)]
    seen = set(order)
    for one in order:  # grows while it is read
        for other in below.get(one, ()):
            if other not in seen and norms[other] in (None, 0.0):
                seen.add(other)
                order.append(other)
    return frozenset(leaf for i in order if (leaf := graph.nodes[i].leaf) is not None)


def graph_of(facts: Facts, backward: int) -> GraphSeen | None:
    """Return the graph that a backward ran over; None when its root had none."""
    graph = facts.backwards[backward].graph
    return None if graph is None else facts.graphs.get(graph)


def _behind(facts: Facts, graph: GraphSeen, start: int) -> frozenset[int]:
    """Return the leaves that a node's gradient flows on to."""
    key = ("behind", graph.graph, start)
    known = facts.memo.get(key)
    if known is None:
        known = facts.memo[key] = frozenset(
            leaf for i in walk_down(facts, graph, [start]) if (leaf := graph.nodes[i].leaf) is not None
        )
    return known


def walk_down(facts: Facts, graph: GraphSeen, starts: Iterable[int]) -> list[int]:
    """Return the nodes reached from ``starts`` towards the leaves, nearest first."""
    below = neighbours(facts, graph)
    order = list(dict.fromkeys(starts))
    seen = set(order)
    for node in order:
        for other in below.get(node, ()):
            if other not in seen:
                seen.add(other)
                order.append(other)
    return order


def slots_below(facts: Facts, graph: GraphSeen) -> dict[int, list[tuple[int, int]]]:
    """Return (node, slot) of each edge that leaves a node, by node: a gradient goes to each operand by its slot."""
    key = ("slots below", graph.graph)
    known = facts.memo.get(key)
    if known is None:
        below: dict[int, list[tuple[int, int]]] = {}
        for source, target, slot in graph.edges:
            below.setdefault(source, []).append((target, slot))
        known = facts.memo[key] = below
    return known


def neighbours(facts: Facts, graph: GraphSeen) -> dict[int, list[int]]:
    key = ("below", graph.graph)
    known = facts.memo.get(key)
    if known is None:
        below: dict[int, list[int]] = {}
        for source, target, _ in graph.edges:
            below.setdefault(source, []).append(target)
        known = facts.memo[key] = below
    return known


def op_of(node: Node) -> str:
    """Return how a node is called in a sentence: the function, else the node's own name."""
    if node.op:
        return node.op
    if node.name.endswith("Backward"):  # a custom Function, called as its class
        return node.name.removesuffix("Backward") or node.name
    return node.name.removesuffix("Backward0").lower() or node.name


def culprit_lines(facts: Facts, found: Iterable[tuple[Node, str]]) -> tuple[Where, ...]:
    """Return the lines of the operations, and those of ``backward`` where the Function is the user's own."""
    nodes = [node for node, _ in found]
    lines = [line for node in nodes for line in line_at(facts, node.place, "culprit", op_of(node))]
    return unique((*lines, *(line for node in nodes for line in written_lines(facts, node.name))))


def written_lines(facts: Facts, name: str) -> tuple[Where, ...]:
    """Return where a custom Function's gradient is written down, by the name of its nodes."""
    seen = facts.functions.get(name)
    if seen is None:
        return ()
    lines = [line for place in seen.returns for line in line_at(facts, place, "return")]
    return (*lines, *line_at(facts, seen.backward, "backward of", name.removesuffix("Backward")))


#: Node -> the slot of an operand that is simply added: the slope there is one.
ADDED = {
    "AddmmBackward0": 0, "ConvolutionBackward0": 2, "BaddbmmBackward0": 0, "NativeBatchNormBackward0": 2,
    "CudnnBatchNormBackward0": 2, "MiopenBatchNormBackward0": 2, "NativeLayerNormBackward0": 2,
    "NativeGroupNormBackward0": 2,
}  # fmt: skip


def cancels(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the gradient is zero because contributions that are not zero sum to it.

    The last bias of a Wasserstein critic is such a one: it is added to real and fake scores, and the loss is
    their difference. It has no influence on the loss, and no operation is to blame.
    """
    checked = 0
    for key in leaf.reached:
        ended, graph = facts.ended.get(key), graph_of(facts, key)
        if ended is None or graph is None or not ended.norms:
            continue
        for source, slot in _arrows(facts, graph).get(leaf.leaf, ()):
            name, norm = graph.nodes[source].name, ended.norms[source]
            if not norm or not (name.startswith(("AddBackward", "SubBackward")) or ADDED.get(name) == slot):
                return False
            checked += 1
    return checked > 0


def _arrows(facts: Facts, graph: GraphSeen) -> dict[int, list[tuple[int, int]]]:
    """Return (node, slot) of each edge that leads to a leaf, by leaf."""
    return facts.once(("arrows", graph.graph), lambda _: _read_arrows(graph))


def _read_arrows(graph: GraphSeen) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = {}
    for source, target, slot in graph.edges:
        leaf = graph.nodes[target].leaf
        if leaf is not None:
            found.setdefault(leaf, []).append((source, slot))
    return found
