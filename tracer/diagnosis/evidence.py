"""What the facts say about one leaf: the predicates that several rules share. All are pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tracer.diagnosis.facts import Facts, LeafFacts, StepFacts
from tracer.events import BackwardStarted, CutFound, GradAccumulated, GradMeasured, GradTouched

#: A bare tensor of at most so many elements that no module was called with is taken for a weight.
FEW = 64


def is_zero(grad: GradMeasured) -> bool:
    """Tell whether ``.grad`` was None or exactly zero; a norm that underflowed to 0 is not zero."""
    if grad.norm is None:
        return True
    return grad.norm == 0 and grad.zero_share in (None, 1.0)


def finite(grad: GradMeasured) -> bool:
    return grad.finite is not False


@dataclass(frozen=True, slots=True)
class Window:
    """The time between two steps of one leaf, seen from the later step."""

    step: StepFacts
    accumulated: tuple[GradAccumulated, ...]
    touches: tuple[GradTouched, ...]  #: after the last accumulation, before the step
    passed_by: bool  #: a backward that did not reach the leaf ran after its gradient had been cleared
    grad: GradMeasured | None  #: what the step saw; None = not measured
    void: bool = False  #: accumulation ran, but with no gradient: ``.grad`` stayed None and nobody touched it

    @property
    def times(self) -> int:
        """For how many steps in a row it stands."""
        return self.step.times

    @property
    def cleared(self) -> GradTouched | None:
        """The reset that wiped out what had accumulated, if one was seen."""
        resets = [touch for touch in self.touches if touch.how == "cleared"]
        return resets[-1] if resets and self.accumulated else None

    @property
    def empty(self) -> bool:
        """The step is known to have seen no gradient, or one of exact zeros."""
        return self.grad is not None and is_zero(self.grad)

    @property
    def fed(self) -> bool:
        """The step saw a gradient that was not zero; where it was not measured, one had accumulated."""
        if self.grad is not None:
            return not is_zero(self.grad)
        return bool(self.accumulated) and self.cleared is None


def count(seen: Iterable[Window | StepFacts]) -> int:
    """Return how many windows or steps there are, those included that these stand for."""
    return sum(each.times for each in seen)


def windows(leaf: LeafFacts, facts: Facts) -> tuple[Window, ...]:
    """Return one window per step that an optimizer made with this leaf, in order."""
    key = ("windows", leaf.leaf)
    known = facts.memo.get(key)
    if known is None:
        known = facts.memo[key] = _windows(leaf, facts)
    return known


def _windows(leaf: LeafFacts, facts: Facts) -> tuple[Window, ...]:
    found: list[Window] = []
    since = -1
    touched_at = [order for order, _ in leaf.touches]
    for step in sorted(leaf.steps, key=lambda s: s.order):
        if facts.gaps:
            since = max(since, *facts.gaps[: bisect_left(facts.gaps, step.order)][-1:], -1)
        first, last = bisect_right(leaf.accumulated_at, since), bisect_left(leaf.accumulated_at, step.order)
        accumulated = tuple(leaf.accumulated[first:last])
        after = leaf.accumulated_at[last - 1] if accumulated else since
        near = leaf.touches[bisect_right(touched_at, after) : bisect_left(touched_at, step.order)]
        grad = step.grad
        if step.closure and (grad is None or grad.norm is None):
            # The closure's backward runs inside ``step``: what it left is what the step used.
            accumulated = accumulated or tuple(g for g in leaf.accumulated if g.step == step.step)
            grad = next((g for g in reversed(leaf.grads) if g.step == step.step), None)
            near = []
        # torch 2.13 runs a post-accumulate hook also when a custom Function returned None.
        void = bool(accumulated and grad is not None and grad.norm is None and not near and not leaf.grads)
        wiped = [order for order, touch in near if touch.how == "cleared"]
        passed_by = bool(wiped and accumulated) and _backward_between(facts, wiped[0], step.order)
        found.append(Window(step, accumulated, tuple(touch for _, touch in near), passed_by, grad, void))
        since = step.order
    return tuple(found)


def _backward_between(facts: Facts, after: int, before: int) -> bool:
    starts = facts.memo.get("starts")
    if starts is None:
        starts = facts.memo["starts"] = sorted(facts.started_at[b.backward] for b in outermost(facts))
    return bisect_right(starts, after) < bisect_left(starts, before)


def outermost(facts: Facts) -> tuple[BackwardStarted, ...]:
    """Return the calls of ``backward`` that the program made itself, in order."""
    known = facts.memo.get("outermost")
    if known is None:
        calls = (b for b in facts.backwards.values() if b.call == "backward" and b.inside is None)
        known = facts.memo["outermost"] = tuple(calls)
    return known


def trainable_at(leaf: LeafFacts, order: int) -> bool:
    """Tell what ``requires_grad`` was at a position among the events."""
    index = bisect_left(leaf.toggled_at, order)
    return leaf.toggles[index - 1].value if index else leaf.seen.requires_grad


def trainable_at_end(leaf: LeafFacts) -> bool:
    return leaf.toggles[-1].value if leaf.toggles else leaf.seen.requires_grad


def frozen_throughout(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether ``requires_grad`` was False in every backward, or in the end where there was none."""
    if leaf.seen.kind == "non_leaf" or leaf.accumulated:
        return False
    moments = facts.once("moments", lambda facts: [facts.started_at[b.backward] for b in outermost(facts)])
    if not moments:
        return not trainable_at_end(leaf)
    return not any(trainable_at(leaf, moment) for moment in moments)


def arrived(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether a gradient reached the leaf in the backwards that were meant for it.

    A gradient that another network's backward left, and that was cleared before the leaf's own backward
    (alternating GAN updates), does not count.
    """
    seen = windows(leaf, facts)
    if any(w.fed for w in seen):
        return True
    if not leaf.accumulated:
        return False
    lost = [w for w in seen if w.void or (w.empty and w.passed_by)]
    return not lost or any(w.accumulated and not (w.void or (w.empty and w.passed_by)) for w in seen)


def handwritten(leaf: LeafFacts) -> bool:
    """Tell whether the program updates the value itself, from a gradient."""
    if any(value.grad_based and value.changed for _, value in leaf.outside):
        return True
    return bool(leaf.computed) and not leaf.accumulated and moves_outside(leaf)


def moves_outside(leaf: LeafFacts) -> bool:
    return any(value.changed and not value.reverted for _, value in leaf.outside)


def driven(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the program writes the value anew with each step of an optimizer that does not hold the leaf.

    So work master weights (the optimizer steps copies in higher precision, which are copied back) and target
    networks through which a gradient passes.
    """
    return not leaf.ever_owned and anything_stepped(facts) and _follows_by_copy(leaf, facts)


def trains(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether some step changed the value because of a finite gradient, as far as it was recorded."""
    if handwritten(leaf):
        return True
    for window in windows(leaf, facts):
        if not window.fed or window.step.lr == 0 or (window.grad is not None and not finite(window.grad)):
            continue
        if window.step.value is None or window.step.value.changed:
            return True
    return False


def owners_known(facts: Facts) -> bool:
    """Tell whether anything can be said from a leaf being in no optimizer."""
    return facts.header.optimizers_known and facts.once("owned", _anything_owned)


def _anything_owned(facts: Facts) -> bool:
    return any(leaf.ever_owned for leaf in facts.leaves.values())


def anything_stepped(facts: Facts) -> bool:
    return any(facts.stepped.values())


def set_aside(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether a leaf that requires grad is kept out of training on purpose.

    Either no optimizer was ever given it and no gradient reached it (a target network, a backbone run
    under ``no_grad``), or the program moves its value itself while it trains (an EMA copy that was
    handed to the optimizer along with the rest).
    """
    if arrived(leaf, facts) or leaf.seen.kind == "non_leaf":
        return False
    if not leaf.ever_owned:
        return owners_known(facts)
    return _follows_by_copy(leaf, facts)


def _follows_by_copy(leaf: LeafFacts, facts: Facts) -> bool:
    first = facts.once("first start", lambda facts: min(facts.started_at.values(), default=None))
    if first is None:
        return False
    moves = [v for order, v in leaf.outside if v.changed and not v.reverted and order > first]
    steps = max((count for count in facts.stepped.values()), default=0)
    return len(moves) >= max(1, steps - 1)


def only_evaluated(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the run was no training by gradients: no optimizer, no backward, and nobody asked for a gradient."""
    return not (leaf.ever_owned or facts.backwards or leaf.seen.asked)


def instrument(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the leaf's model is only looked through: what trains are tensors that belong to no model.

    So work style transfer, deep dream, inversion and adversarial attacks: the program optimizes an image or
    a latent code, and the network's own gradients are of no use to it.
    """
    model = leaf.seen.model
    if leaf.seen.kind != "parameter" or model is None or not leaf.accumulated:
        return False
    known = facts.memo.get("instruments")
    if known is None:
        known = facts.memo["instruments"] = _instruments(facts)
    return model in known


def _instruments(facts: Facts) -> frozenset[int]:
    trained = [leaf for leaf in facts.leaves.values() if leaf.ever_owned or handwritten(leaf)]
    bare = [
        leaf
        for leaf in trained
        if leaf.seen.model is None and leaf.seen.kind != "orphan" and (leaf.accumulated or leaf.computed)
    ]
    return frozenset(facts.models) if trained and len(bare) == len(trained) else frozenset()


def missed_by(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether the leaf was meant to get a gradient and none reached it: the ground of TR20x."""
    if frozen_throughout(leaf, facts) or leaf.seen.kind in ("input", "non_leaf", "orphan"):
        return False
    if arrived(leaf, facts) or handwritten(leaf) or set_aside(leaf, facts):
        return False
    return not trained_unseen(leaf, facts)


def trained_unseen(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether steps that were only counted moved a value that an optimizer owns.

    What no step did that was looked at may have been done there. But for a value that moves without any gradient
    where it is seen: weight decay or momentum moves it unseen too.
    """
    if not leaf.moved_unseen or not leaf.ever_owned:
        return False
    return not any(w.empty and w.step.value is not None and w.step.value.changed for w in windows(leaf, facts))


def trained_last_unseen(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell the same of the last of such stretches."""
    return leaf.moved_unseen[-1:] == [len(facts.gaps) - 1] and trained_unseen(leaf, facts)


#: Kinds of cut that are operations without a derivative.
NO_DERIVATIVE = frozenset({"argmax", "comparison", "cast", "index", "round", "marked"})


def cuts_of(leaf: LeafFacts) -> tuple[CutFound, ...]:
    """Return the cuts between the loss and the leaf, the nearest to the loss first, each line once."""
    kept: dict[tuple[str, int | None], CutFound] = {}
    for cut in sorted(leaf.cuts, key=lambda c: c.depth):
        kept.setdefault((cut.kind, cut.place), cut)
    return tuple(kept.values())


def detached_roots(facts: Facts) -> tuple[BackwardStarted, ...]:
    """Return the backwards whose root had no graph, or was a leaf itself."""
    return tuple(b for b in outermost(facts) if rootless(b))


def rootless(backward: BackwardStarted) -> bool:
    return not backward.root_requires_grad or backward.root_is_leaf or backward.graph is None


def arrivals(leaf: LeafFacts, facts: Facts) -> tuple[GradMeasured, ...]:
    """Return the gradients as backward left them: measured then, or by the step when untouched."""
    known = {grad.step for grad in leaf.grads}  # a step measures again what backward left
    steps = (w for w in windows(leaf, facts) if w.accumulated and not w.touches)
    untouched = (w.grad for w in steps if w.grad is not None and w.grad.step not in known)
    seen = {id(grad): grad for grad in (*leaf.grads, *untouched) if grad.norm is not None}
    return tuple(sorted(seen.values(), key=lambda grad: grad.step))


def zero_throughout(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether every gradient that was measured was exactly zero as backward left it."""
    grads = arrivals(leaf, facts)
    return bool(grads) and all(is_zero(grad) for grad in grads)


def forgotten(leaf: LeafFacts, facts: Facts) -> bool:
    """Tell whether a bare tensor is a weight that the program left out of its optimizers, and no input.

    An ``nn.Parameter`` is one, and so is a tensor of few numbers that several backwards reach and no module was
    called with, or any that every backward reaches where the optimizers hold nothing but bare tensors. Inputs that
    derivatives are taken by (collocation points) are asked for by ``autograd.grad``; those that the program moves
    itself (attacks) are written to.
    """
    if leaf.seen.kind != "input" or leaf.ever_owned or leaf.computed or moves_outside(leaf):
        return False
    if leaf.seen.role == "weight":
        return bool(leaf.accumulated) and owners_known(facts)
    owned = [other for other in facts.leaves.values() if other.ever_owned]
    # A bare tensor is followed from the second backward on that meets it.
    often = len(set(leaf.reached))
    if often < 2 or not owned:
        return False
    if leaf.seen.role != "data" and math.prod(leaf.seen.shape) <= FEW:
        return True
    return often >= len(outermost(facts)) - 1 and all(other.seen.model is None for other in owned)


def made_anew(leaf: LeafFacts, facts: Facts) -> int:
    """Return how many leaves beside all modules the same line made, this one included."""
    made = facts.once("made anew", lambda facts: Counter(o.seen.place for o in facts.leaves.values() if _beside(o)))
    return made[leaf.seen.place] if _beside(leaf) and leaf.seen.place is not None else 1


def _beside(leaf: LeafFacts) -> bool:
    return leaf.seen.kind == "input" and leaf.seen.role == "weight"
