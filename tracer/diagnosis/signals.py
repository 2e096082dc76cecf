"""How strong the gradient is where a parameter is used: the signal that flows into the operations that read it.

A weight's own gradient is the product of this signal with the activations, so that badly scaled inputs look
like badly scaled gradients. The signal does not have that flaw.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from tracer.diagnosis.culprits import graph_of, neighbours
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.events import GraphSeen

#: Nodes that only turn or convert a parameter on its way into the operation that uses it.
_TURNS = ("T", "Transpose", "Permute", "View", "Expand", "ToCopy", "Unsqueeze", "Squeeze", "ReshapeAlias", "Clone")
#: The squares of anything smaller vanish in float32, so that its norm reads 0.
FLOOR = 1e-23


@dataclass(frozen=True, slots=True)
class Use:
    """One operation that reads a weight, in one backward."""

    node: int
    turn: int  #: position in the order of execution: small = near the loss
    signal: float  #: L2 norm of the gradient that flowed into the operation


@dataclass(frozen=True, slots=True)
class Backprop:
    """One backward whose nodes were measured."""

    graph: GraphSeen
    uses: dict[int, tuple[Use, ...]]  #: leaf -> the operations that read it, in order of execution
    weights: tuple[Use, ...]  #: those of leaves with two dimensions or more, each node once
    norms: tuple[float | None, ...]
    loudest: float  #: largest finite norm at any node
    #: smallest and largest signal of ``weights`` up to each, counted from the loss
    least: tuple[float, ...] = ()
    most: tuple[float, ...] = ()

    def nearer(self, turn: int) -> int:
        """Return how many of ``weights`` ran up to a turn."""
        return bisect_right(self.weights, turn, key=lambda use: use.turn)


def measured(leaf: LeafFacts, facts: Facts) -> list[Backprop]:
    """Return the backwards that reached a leaf and were measured node by node."""
    found = (_backprop(key, facts) for key in leaf.reached)
    return [one for one in found if one is not None and one.uses.get(leaf.leaf)]


def _backprop(backward: int, facts: Facts) -> Backprop | None:
    key = ("backprop", backward)
    if key not in facts.memo:
        facts.memo[key] = _read(backward, facts)
    known: Backprop | None = facts.memo[key]
    return known


def _read(backward: int, facts: Facts) -> Backprop | None:
    ended, graph = facts.ended.get(backward), graph_of(facts, backward)
    if ended is None or graph is None or not ended.norms or not ended.order:
        return None
    turns = {node: turn for turn, node in enumerate(ended.order)}
    uses: dict[int, tuple[Use, ...]] = {}
    weights: dict[int, Use] = {}
    for leaf, readers in _readers(facts, graph).items():
        read = ((i, ended.norms[i]) for i in readers if i in turns)
        known = (Use(i, turns[i], max(s, FLOOR)) for i, s in read if s is not None and math.isfinite(s))
        uses[leaf] = tuple(sorted(known, key=lambda use: use.turn))
        seen = facts.leaves.get(leaf)
        if seen is not None and len(seen.seen.shape) >= 2:
            weights.update((use.node, use) for use in uses[leaf])
    ordered = tuple(sorted(weights.values(), key=lambda use: use.turn))
    signals = [use.signal for use in ordered]
    loudest = max((norm for norm in ended.norms if norm and math.isfinite(norm)), default=0.0)
    least, most = tuple(accumulate(signals, min)), tuple(accumulate(signals, max))
    return Backprop(graph, uses, ordered, ended.norms, loudest, least, most)


def _readers(facts: Facts, graph: GraphSeen) -> dict[int, tuple[int, ...]]:
    """Return the operations that read each leaf of a graph."""
    key = ("readers", graph.graph)
    known: dict[int, tuple[int, ...]] | None = facts.memo.get(key)
    if known is None:
        above = _above(facts, graph)
        leaves = ((i, node.leaf) for i, node in enumerate(graph.nodes) if node.leaf is not None)
        known = facts.memo[key] = {leaf: _past_turns(graph, above, i) for i, leaf in leaves}
    return known


def _past_turns(graph: GraphSeen, above: dict[int, list[int]], start: int) -> tuple[int, ...]:
    found: list[int] = []
    queue = list(above.get(start, ()))
    for i in queue:  # grows while it is read
        if graph.nodes[i].name.rstrip("0123456789").removesuffix("Backward") in _TURNS:
            queue.extend(above.get(i, ()))
        else:
            found.append(i)
    return tuple(dict.fromkeys(found))


def _above(facts: Facts, graph: GraphSeen) -> dict[int, list[int]]:
    key = ("above", graph.graph)
    known: dict[int, list[int]] | None = facts.memo.get(key)
    if known is None:
        known = {}
        for source, target, _ in graph.edges:
            known.setdefault(target, []).append(source)
        facts.memo[key] = known
    return known


def ancestors(facts: Facts, graph: GraphSeen, start: int) -> frozenset[int]:
    """Return the nodes through which the gradient comes to a node, the node included."""
    above, seen, queue = _above(facts, graph), {start}, [start]
    for i in queue:  # grows while it is read
        for other in above.get(i, ()):
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return frozenset(seen)


#: Activations whose slope falls to nothing far from zero.
_SATURATES = ("Sigmoid", "Tanh", "Softmax", "SafeSoftmax", "Erf", "Softplus", "Elu", "Gelu", "Silu")


def saturated(leaf: LeafFacts, facts: Facts, ratio: float) -> tuple[int, Backprop] | None:
    """Return the one activation that took nearly all of a leaf's signal, in most of the backwards.

    Returns:
        The node, and a backward in which it did.
    """
    seen = measured(leaf, facts)
    hits = [(node, one) for one in seen if (node := _swallows(leaf, facts, one, ratio)) is not None]
    return hits[-1] if hits and 2 * len(hits) > len(seen) else None


def _swallows(leaf: LeafFacts, facts: Facts, one: Backprop, ratio: float) -> int | None:
    own = max(one.uses[leaf.leaf], key=lambda use: use.signal)
    if own.signal > ratio * one.loudest:
        return None
    below = neighbours(facts, one.graph)
    for i in ancestors(facts, one.graph, own.node):
        arrives = one.norms[i]
        name = one.graph.nodes[i].name.rstrip("0123456789").removesuffix("Backward")
        if name not in _SATURATES or not arrives or not math.isfinite(arrives) or own.signal > ratio * arrives:
            continue
        leaves = [one.norms[c] for c in below.get(i, ())]
        if all(n is not None and n <= ratio * arrives for n in leaves):
            return i
    return None
