"""Parameters behind a factor that is still zero: they get no gradient until that factor moves.

In ``B(A(x))`` with B zero (LoRA, zero-initialised gates and convolutions), A's gradient is exactly zero and
B's is not. The zero is no fault of its own: B moves first, and wakes A up.
"""

from __future__ import annotations

from collections.abc import Iterator

from tracer.diagnosis.culprits import ADDED, culprits_at, graph_of, neighbours, op_of, slots_below
from tracer.diagnosis.evidence import arrivals, is_zero, windows
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.slopes import PRODUCTS
from tracer.events import GraphSeen, Node


def factor_of(leaf: LeafFacts, facts: Facts) -> tuple[LeafFacts, Node] | None:
    """Return the parameter that a zero gradient waits for in the last backward, and the product of the two.

    A custom Function counts as one in the first backward only, as nobody knows what it does.

    None where another cause is possible: every backward must have been zeroed by products alone, with gradient
    going to the other factor, and no value behind that factor may have moved before that backward. Of several such
    layers in a row one wakes up with each step.
    """
    found: tuple[LeafFacts, Node] | None = None
    once = len(arrivals(leaf, facts)) == 1
    times = {event.backward: order for event, order in zip(leaf.accumulated, leaf.accumulated_at, strict=True)}
    for backward in leaf.reached:
        graph = graph_of(facts, backward)
        products = culprits_at(leaf, facts, backward, frozenset({"zero"}))
        if graph is None or not products or not all(_may_multiply(graph.nodes[i], once) for i, _ in products):
            return None
        for i, _ in products:
            others = list(_others(leaf, facts, graph, backward, i))
            if not others or any(_moved_before(other, facts, times.get(backward, 0)) for other in others):
                return None
            found = others[0], graph.nodes[i]
    return found


def awake(factor: LeafFacts, facts: Facts) -> bool:
    """Tell whether the factor has moved by the end, so that the next gradient comes through."""
    return any(w.step.value is not None and w.step.value.changed for w in windows(factor, facts))


def _others(leaf: LeafFacts, facts: Facts, graph: GraphSeen, backward: int, node: int) -> Iterator[LeafFacts]:
    """Return the leaves of the other factor: those behind a product that got a gradient through it."""
    norms = facts.ended[backward].norms
    for below, slot in slots_below(facts, graph).get(node, ()):
        if not norms or norms[below] == 0.0 or ADDED.get(graph.nodes[node].name) == slot:
            continue
        leaves = _fed_from(facts, graph, backward, below)
        if leaf.leaf in leaves:
            continue
        for key in leaves:
            other = facts.leaves.get(key)
            if other is None or other.seen.kind == "input":  # data does not move by a step
                continue
            if any(not is_zero(grad) for grad in arrivals(other, facts)):
                yield other


def _may_multiply(node: Node, once: bool) -> bool:
    return op_of(node) in PRODUCTS or (once and is_custom(node))


def is_custom(node: Node) -> bool:
    """Tell whether a node is of a custom Function: those of PyTorch's own have a number behind their name."""
    return node.name.endswith("Backward")


def _fed_from(facts: Facts, graph: GraphSeen, backward: int, start: int) -> list[int]:
    """Return the leaves that a gradient came to from a node, over nodes where it was not zero."""
    norms, below = facts.ended[backward].norms, neighbours(facts, graph)
    order, seen = [start], {start}
    for node in order:  # grows while it is read
        for other in below.get(node, ()):
            if other not in seen and norms[other] != 0.0:
                seen.add(other)
                order.append(other)
    return [leaf for i in order if (leaf := graph.nodes[i].leaf) is not None]


def _moved_before(factor: LeafFacts, facts: Facts, moment: int) -> bool:
    stepped = (w.step.order for w in windows(factor, facts) if w.step.value is None or w.step.value.changed)
    return any(order < moment for order in (*stepped, *(order for order, value in factor.outside if value.changed)))
