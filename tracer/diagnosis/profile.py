"""Gradients along the depth of a network: one number per weight matrix, nearest to the loss first."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import median

from tracer.diagnosis.culprits import graph_of, walk_down
from tracer.diagnosis.evidence import arrivals
from tracer.diagnosis.facts import Facts, LeafFacts


@dataclass(frozen=True, slots=True)
class Layer:
    """One weight matrix on the way from the loss to the input."""

    leaf: LeafFacts
    size: float  #: median over the measurements of the root mean square of the gradient's elements


@dataclass(frozen=True, slots=True)
class Trend:
    """How the gradient of a layer compares with the layers nearer to the loss."""

    ratio: float  #: its size by that of the reference layer
    reference: Layer  #: the layer nearer to the loss that it is compared with
    steps: tuple[Layer, ...]  #: the stretch from the reference to the layer, both included
    measured: int


def layers(facts: Facts, model: int | None, backwards: float) -> tuple[Layer, ...]:
    """Return the weights of one model along the depth, those with at least ``backwards`` measurements.

    Biases and norms are left out: their gradients may be tiny by construction (before a normalisation, or
    attention's key bias).
    """
    key = ("layers", model, backwards)
    known = facts.memo.get(key)
    if known is None:
        found = [_layer(leaf, facts, backwards) for leaf in _by_depth(facts, model)]
        known = facts.memo[key] = tuple(layer for layer in found if layer is not None)
    return known


def _layer(leaf: LeafFacts, facts: Facts, backwards: float) -> Layer | None:
    size = _size(leaf, facts, backwards) if len(leaf.seen.shape) >= 2 else None
    return None if size is None else Layer(leaf, size)


def _size(leaf: LeafFacts, facts: Facts, backwards: float) -> float | None:
    """Return the median root mean square of a leaf's gradients, None with too few of them."""
    grads = [g for g in arrivals(leaf, facts) if g.norm and math.isfinite(g.norm)]
    if len(grads) < backwards:
        return None
    return median(float(g.norm or 0.0) for g in grads) / math.sqrt(math.prod(leaf.seen.shape))


def _beside(weight: LeafFacts, bias: LeafFacts) -> bool:
    return bias.seen.name.endswith("bias") and weight.module is not None and weight.module is bias.module


def _by_depth(facts: Facts, model: int | None) -> list[LeafFacts]:
    """Return the leaves of one model, nearest to the loss first, by the last graph that holds them."""
    mine = {leaf.leaf: leaf for leaf in facts.leaves.values() if leaf.seen.model == model and leaf.reached}
    last = max((leaf.reached[-1] for leaf in mine.values()), default=None)
    graph = None if last is None else graph_of(facts, last)
    if last is None or graph is None:
        return []
    order = (graph.nodes[i].leaf for i in walk_down(facts, graph, facts.backwards[last].roots))
    return [mine[key] for key in dict.fromkeys(order) if key is not None and key in mine]


def trend(leaf: LeafFacts, facts: Facts, code: str, *, falling: bool) -> Trend | None:
    """Return how far a layer's gradient has fallen (or risen) along a steady trend through the depth."""
    backwards = facts.settings[f"{code}.backwards"]
    all_layers = layers(facts, leaf.seen.model, backwards)
    at = next((i for i, layer in enumerate(all_layers) if layer.leaf.leaf == leaf.leaf), None)
    if at is None:
        # A bias shares the fate of the weight beside it, if its own gradient is as far off.
        at = next((i for i, layer in enumerate(all_layers) if _beside(layer.leaf, leaf)), None)
    own = _size(leaf, facts, backwards)
    if at is None or own is None:
        return None
    pick = max if falling else min
    nearer = all_layers[: at + 1]
    reference = pick(range(len(nearer)), key=lambda i: nearer[i].size)
    stretch = nearer[reference:]
    if len(stretch) < facts.settings[f"{code}.layers"] or not _steady(stretch, falling):
        return None
    measured = len(arrivals(leaf, facts))
    return Trend(own / nearer[reference].size, nearer[reference], stretch, measured)


def _steady(stretch: tuple[Layer, ...], falling: bool) -> bool:
    """Tell whether three quarters of the steps go one way: a trend through depth, not one odd layer."""
    moves = [(b.size < a.size) == falling for a, b in itertools.pairwise(stretch)]
    return sum(moves) >= 0.75 * len(moves)
