"""How the gradient's strength changes along the depth of a network, from the loss towards the input."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import median

from tracer.diagnosis.culprits import walk_down
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.signals import Backprop, Use, ancestors, measured

#: A trend in each of so many backwards at the end is one, whatever was before.
LATE = 5


@dataclass(frozen=True, slots=True)
class Trend:
    """How the signal of a leaf compares with that of the layers nearer to the loss."""

    ratio: float  #: the leaf's signal by that of the reference, median over the backwards
    reference: int | None  #: place of the operation nearer to the loss that it is compared with
    own: int | None  #: place of the operation that uses the leaf
    length: int  #: weights in the stretch between them, both included
    measured: int  #: backwards


def trend(leaf: LeafFacts, facts: Facts, code: str, *, falling: bool) -> Trend | None:
    """Return how far a leaf's signal has fallen (or risen) along a steady trend through the depth."""
    if len(leaf.accumulated) < facts.settings[f"{code}.backwards"]:
        return None
    found = [_in_one(leaf, facts, one, code, falling) for one in measured(leaf, facts)]
    steady = [trend for trend in found if trend is not None]
    late = all(found[-LATE:]) and len(found) > LATE
    if not steady or not (late or 2 * len(steady) > len(found)) or (falling and _wakes(steady)):
        return None
    last, judged = steady[-1], steady[-LATE:] if late else steady
    return Trend(median(t.ratio for t in judged), last.reference, last.own, last.length, len(found))


def _wakes(steady: list[Trend]) -> bool:
    """Tell whether the ratio has grown tenfold up to now: a branch that starts at zero and comes to life."""
    ratios = [one.ratio for one in steady]
    return len(ratios) > 2 and ratios[-1] == max(ratios) and ratios[-1] > 10 * median(ratios[: len(ratios) // 2])


def _in_one(leaf: LeafFacts, facts: Facts, one: Backprop, code: str, falling: bool) -> Trend | None:
    """Compare within one backward; None where the signal is within bounds, or no trend leads there."""
    own = max(one.uses[leaf.leaf], key=lambda use: use.signal)
    limit, pick = facts.settings[f"{code}.ratio"], max if falling else min
    # Everything nearer to the loss, before the costly question of what lies on the way.
    count = one.nearer(own.turn)
    if not count or not _beyond(own.signal / (one.most if falling else one.least)[count - 1], limit, falling):
        return None
    way = ancestors(facts, one.graph, own.node)
    nearer = [use for use in one.weights[:count] if use.node in way]
    if not nearer or nearer[-1].node != own.node:
        nearer.append(own)
    start = pick(range(len(nearer)), key=lambda i: nearer[i].signal)
    stretch, ratio = nearer[start:], own.signal / nearer[start].signal
    if len(stretch) < facts.settings[f"{code}.layers"] or not _steady(stretch, falling):
        return None
    if not _beyond(ratio, limit, falling) or not _all_beyond(one, facts, own, nearer[start], limit, falling):
        return None
    nodes = one.graph.nodes
    return Trend(ratio, nodes[stretch[0].node].place, nodes[own.node].place, len(stretch), 1)


def _all_beyond(one: Backprop, facts: Facts, own: Use, start: Use, limit: float, falling: bool) -> bool:
    """Tell whether the trend is one of depth: nothing behind the weight is well, nothing before it was as far off.

    The queries and keys of attention that is still uniform get next to nothing, while layers farther from the
    loss are reached past them; and what lies behind them is not exploding because it gets more than they do.
    """
    if not falling:
        return _beyond(own.signal / one.weights[0].signal, limit, falling)
    after = one.weights[one.nearer(own.turn) :]
    if all(_beyond(use.signal / start.signal, limit, falling) for use in after):
        return True
    behind = set(walk_down(facts, one.graph, [own.node]))
    return all(_beyond(use.signal / start.signal, limit, falling) for use in after if use.node in behind)


def _beyond(ratio: float, limit: float, falling: bool) -> bool:
    return ratio <= limit if falling else ratio >= limit


def _steady(stretch: list[Use], falling: bool) -> bool:
    """Tell whether three quarters of the steps go one way: a trend through depth, not one odd layer."""
    moves = [b.signal <= a.signal if falling else b.signal > a.signal for a, b in itertools.pairwise(stretch)]
    return sum(moves) >= 0.75 * len(moves)
