"""Which leaves the report has a row for, and in which order."""

from __future__ import annotations

from tracer.diagnosis.evidence import forgotten, moves_outside
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.successors import superseded


def listed(facts: Facts) -> tuple[LeafFacts, ...]:
    """Return the leaves to report on, in the order in which they were met, grouped by model.

    All registered parameters; other leaves when they are optimized, accumulate a gradient or should have
    been parameters. Inputs that merely require grad, and tensors whose name another one has taken, are not;
    a bare tensor counts as a weight where that is what it is used as.
    """
    gone = superseded(facts)
    kept = [
        leaf for leaf in facts.leaves.values() if leaf.leaf not in gone and (_concerns(leaf) or forgotten(leaf, facts))
    ]
    kept = _each_line_once(kept)
    return tuple(sorted(kept, key=lambda leaf: (leaf.seen.model is None, leaf.seen.model or 0)))


def _each_line_once(leaves: list[LeafFacts]) -> list[LeafFacts]:
    """Keep one of the inputs that a line makes anew for each batch (an adversarial perturbation)."""
    first: dict[object, int] = {}
    for leaf in leaves:
        if leaf.seen.kind == "input" and not leaf.ever_owned:
            first.setdefault((leaf.seen.name, leaf.seen.place), leaf.leaf)
    return [leaf for leaf in leaves if first.get((leaf.seen.name, leaf.seen.place), leaf.leaf) == leaf.leaf]


def _concerns(leaf: LeafFacts) -> bool:
    match leaf.seen.kind:
        case "parameter" | "non_leaf":
            return True
        case "unregistered":
            return leaf.ever_owned or bool(leaf.accumulated) or leaf.seen.model is not None
        case "hidden":
            return False
        case "orphan":
            return leaf.ever_owned or bool(leaf.accumulated)
        case _:
            return leaf.ever_owned or (bool(leaf.accumulated) and moves_outside(leaf))
