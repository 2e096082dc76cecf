"""The roots of backward: whether the loss itself lost its graph, and for which leaves that is the cause."""

from __future__ import annotations

from tracer.diagnosis.evidence import cuts_of, detached_roots, frozen_throughout, missed_by, outermost
from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.uncalled import left_uncalled
from tracer.events import BackwardStarted


def lost_root(leaf: LeafFacts, facts: Facts) -> BackwardStarted | None:
    """Return the backward whose root *itself* was detached: the whole loss, not something on the way to it.

    ``torch.tensor(loss.item(), requires_grad=True)`` is such a one; a loss that was computed from
    predictions that had been cut before is not: there the earlier cut is what must be fixed.
    """
    roots = {b.backward: b for b in detached_roots(facts)}
    for cut in cuts_of(leaf)[:1]:
        root = roots.get(cut.backward)
        # Numbers taken out of a tensor and a leaf as the root: the number was the loss.
        if root is not None and root.root_is_leaf and cut.kind in ("item", "rewrap"):
            return root
    return None


def detached_for(leaf: LeafFacts, facts: Facts) -> BackwardStarted | None:
    """Return the first backward without a graph that may be why the leaf got no gradient."""
    roots = detached_roots(facts)
    # Where every backward started from nothing, a dropped result is explained by that.
    dropped = leaf.dropped and len(roots) < len(outermost(facts))
    if not roots or leaf.reached or dropped or not missed_by(leaf, facts) or left_uncalled(leaf, facts):
        return None
    if leaf.cuts:
        concerned = {cut.backward for cut in leaf.cuts}
        return next((b for b in roots if b.backward in concerned), None)
    return roots[0]


def nothing_asks(leaf: LeafFacts, facts: Facts) -> BackwardStarted | None:
    """Return the first backward when all of them started from a loss that only frozen parameters made.

    It is told of the parameters that an optimizer holds, since those were meant to train; where it holds none of
    the models' any more, of all.
    """
    concerned, root = facts.once("nothing asks", _where_nothing_asks)
    return root if leaf.leaf in concerned else None


def _where_nothing_asks(facts: Facts) -> tuple[frozenset[int], BackwardStarted | None]:
    calls = outermost(facts)
    parameters = [leaf for leaf in facts.leaves.values() if leaf.seen.kind == "parameter"]
    if not calls or len(detached_roots(facts)) < len(calls):
        return frozenset(), None
    if not all(frozen_throughout(leaf, facts) for leaf in parameters):
        return frozenset(), None
    held = [leaf for leaf in parameters if leaf.ever_owned] or parameters
    return frozenset(leaf.leaf for leaf in held), calls[0]
