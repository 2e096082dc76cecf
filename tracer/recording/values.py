"""Did the value really change: compares parameters across each step, and between steps.

Small tensors are compared whole, bit by bit. Of large ones blocks spread evenly are compared, together with
the neighbourhood of the largest gradient; a difference there proves a change. When none is seen, the tensor
is compared whole at its next step: by a copy up to 4 million elements, beyond that by a digest of all bits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from tracer.events import StepsPassed, ValueMeasured
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later
from tracer.recording.measure import KEPT, readable
from tracer.recording.places import Site
from tracer.recording.snapshots import Layout, Snapshot, Spot, layout_for, norm_of_change, parts_of, take
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Once a tensor did not move even when compared whole, it is compared so at the 2nd, 4th ... 64th step after.
PATIENCE = 64
#: A write that leaves no more than this share of a step's way has undone the step.
LEFT = 0.05


@dataclass(slots=True)
class Write:
    """What was seen of writes to one leaf outside the optimizer since its last comparison."""

    site: Site | None
    replaces: bool
    overwrites: bool
    from_grad: bool
    from_other: bool
    bounds: bool


@dataclass(slots=True)
class Past:
    """The last snapshot of a leaf, and digests of earlier ones."""

    last: Snapshot | None = None
    #: the value before the steps since the last write from outside, and how many steps' work was in it
    start: Snapshot | None = None
    live_at_start: int = 0
    #: (digest of a value held before, steps whose work was in it), oldest first
    history: list[tuple[int, int]] = field(default_factory=list)
    live: int = 0  #: steps whose work is in the value now
    exact_in: int = 0  #: steps until it is compared whole, while its sample does not move
    patience: int = 1
    told_still: bool = False
    sparse: bool | None = None  #: its gradient's sample was zero at the last step; None = not known

    def judge(self, changed: bool, *, exact: bool) -> None:
        """A step has been compared: plan when the tensor is looked at as a whole."""
        if changed:
            self.exact_in, self.patience = 0, 1
        elif exact:
            self.patience = min(2 * self.patience, PATIENCE)
            self.exact_in = self.patience
        else:
            self.exact_in -= 1

    def back_at_start(self, now: Snapshot) -> int:
        """Return how many steps' work is gone: all since ``start`` when next to nothing of their way is left."""
        start, last = self.start, self.last
        if start is None or last is None or not (now.comparable(start) and now.comparable(last)):
            return 0
        left, way = norm_of_change(start, now), norm_of_change(start, last)
        return self.live - self.live_at_start if 0 < left <= LEFT * way < math.inf else 0

    def due(self) -> bool:
        """Tell whether the sample did not move for so long that the whole is compared."""
        return self.exact_in < 0

    def held(self, digest: int) -> None:
        """The value is now the one of this digest; of older ones the first and the last few are kept."""
        self.history.append((digest, self.live))
        del self.history[1:-16]

    def live_with(self, digest: int, *, replaced: bool) -> int:
        """Return how many steps' work is left when the value becomes the one of this digest.

        A value held before has what was in it then; any other that ``replaced`` says came from elsewhere
        has none.
        """
        earlier = next((live for known, live in reversed(self.history) if known == digest), None)
        if earlier is None:
            return 0 if replaced else self.live
        return earlier


class Values:
    """Snapshots of leaves around steps."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._past: dict[int, Past] = {}
        self._writes: dict[int, Write] = {}
        self._before: dict[int, dict[int, Snapshot]] = {}
        #: key of a leaf -> how it was last looked at
        self._layouts: dict[int, Layout] = {}
        #: leaves into which the program has written a value that comes from a gradient
        self._by_hand: set[int] = set()
        #: optimizer whose step runs -> how its leaves were looked at before it
        self._stepping: dict[int, dict[int, Layout]] = {}
        self._new: list[tuple[int, torch.Tensor, Layout]] = []  #: leaves first seen, whose values are still to be taken
        self._many = False

    def written(
        self,
        key: int,
        site: Site | None,
        *,
        replaces: bool,
        overwrites: bool,
        from_grad: bool,
        from_other: bool,
        bounds: bool = False,
    ) -> None:
        """The user's program wrote into a leaf outside any optimizer step.

        Args:
            replaces: by a call that leaves nothing of the old value (``copy_``, ``.data =``).
            overwrites: and what it wrote does not come from the leaf itself.
            bounds: it only keeps the numbers within limits, as ``clamp_`` does.
        """
        self.session.settled.stir()
        known = self._writes.get(key)
        if known is not None:
            # Several writes between two comparisons: keep the heaviest, remember any use of a gradient.
            site = site if overwrites and not known.overwrites else known.site
            replaces, overwrites = replaces or known.replaces, overwrites or known.overwrites
            from_grad, from_other = from_grad or known.from_grad, from_other or known.from_other
            bounds = bounds or known.bounds
        self._writes[key] = Write(site, replaces, overwrites, from_grad, from_other, bounds)
        if key in self._layouts and (replaces or (from_grad and key not in self._by_hand)):
            # Compared at once: the model may be gone when the recording ends, or be written again before.
            if from_grad:
                self._by_hand.add(key)
            self.compare_outside([self.session.leaves.all[key]])

    # ------------------------------------------------------------------ around a step

    def first_seen(self, leaf: Leaf, tensor: torch.Tensor) -> None:
        """Take the starting value of a leaf before the first backward or step."""
        if leaf.key not in self._layouts and self.session.compare:
            layout = self._layouts[leaf.key] = layout_for(tensor.numel())
            self._new.append((leaf.key, tensor, layout))
            if not self._many:
                self._take_new()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Take the values of all leaves that are first seen meanwhile in one go: each time costs as much as many."""
        self._many = True
        try:
            yield
        finally:
            self._many = False
            self._take_new()

    def _take_new(self) -> None:
        new, self._new = self._new, []
        if new:
            work = take([(tensor, layout) for _, tensor, layout in new])
            self.session.mail.post(self._first_seen([key for key, _, _ in new], work))

    def _first_seen(self, keys: list[int], taking: Later[list[Snapshot | None]]) -> Later[None]:
        found = yield from taking
        for key, snapshot in zip(keys, found, strict=True):
            if snapshot is None:
                self._layouts.pop(key, None)
            else:
                self._past[key] = Past(last=snapshot, history=[(snapshot.digest(), 0)])

    def before_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Compare with what the last step left, and keep the value that the step starts from."""
        self._stepping[optimizer] = {}
        if self.session.compare:
            self.session.mail.post(self._before_step(optimizer, list(leaves)))

    def _before_step(self, optimizer: int, leaves: list[Leaf]) -> Later[None]:
        step = self.session.step
        alive = [(leaf, tensor) for leaf in leaves if (tensor := leaf.ref()) is not None]
        delayed = self.session.mail.delays([tensor for _, tensor in alive])
        wanted = [(tensor, self._layout(leaf, tensor, delayed=delayed)) for leaf, tensor in alive]
        leaves = [leaf for leaf, _ in alive]
        self._stepping[optimizer] = layouts = {
            leaf.key: layout for leaf, (_, layout) in zip(leaves, wanted, strict=True)
        }
        #: of those that are looked at in another way than last time, what was looked at then
        olds = [
            (i, (tensor, last))
            for i, (leaf, (tensor, layout)) in enumerate(zip(leaves, wanted, strict=True))
            if (last := self._layouts.setdefault(leaf.key, layout)) != layout
        ]
        writes = [self._writes.pop(leaf.key, None) for leaf in leaves]
        work = self._before_values([leaf.key for leaf in leaves], wanted, [old for _, old in olds])
        again: list[Snapshot | None] = [None] * len(leaves)
        places = [i for i, _ in olds]
        del alive, wanted, olds
        tensor = None
        found, first, old = yield from work
        for i, snapshot in zip(places, old, strict=True):
            again[i] = snapshot
        taken: dict[int, Snapshot] = {}
        for i, leaf in enumerate(leaves):
            snapshot = found[i]
            if snapshot is not None:
                layouts[leaf.key] = snapshot.layout
                taken[leaf.key] = self._outside(step, leaf, snapshot, again[i] or first[i], writes[i])
        self._before[optimizer] = taken

    def _before_values(
        self, keys: list[int], wanted: list[tuple[torch.Tensor, Layout]], olds: list[tuple[torch.Tensor, Layout]]
    ) -> Later[tuple[list[Snapshot | None], list[Snapshot | None], list[Snapshot | None]]]:
        """Take what is kept of each tensor; of one whose gradient's sample is zero, also the block where it is not.

        Returns:
            What is kept; the same without those blocks; and what was wanted in the way of last time.
        """
        sampled = (i for i, (_, layout) in enumerate(wanted) if layout.sampled and not layout.digested)
        doubtful = [i for i in sampled if not self._moves(keys[i])]
        grads = [(i, grad) for i in doubtful if (grad := _comparable_gradient(wanted[i][0])) is not None]
        work = take([*wanted, *olds, *((grad, Layout(True)) for _, grad in grads)])
        count, end, places = len(wanted), len(wanted) + len(olds), [i for i, _ in grads]
        if self.session.mail.delays([tensor for tensor, _ in wanted]):
            wanted, grads, grad = [], [], None  # nothing of the user's is held while the numbers are on their way
        olds = []
        found = yield from work
        first = found[:count]
        kept = list(first)
        zero = [None if sample is None else sample.raw == bytes(len(sample.raw)) for sample in found[end:]]
        for i, sparse in zip(places, zero, strict=True):
            past = self._past.get(keys[i])
            if past is not None and sparse is not None:
                past.sparse = sparse
                known = kept[i]
                if not sparse and known is not None:
                    kept[i] = known.like(Layout(True))
        for (i, grad), sparse in zip(grads, zero, strict=False):
            if sparse:
                (kept[i],) = yield from take([(wanted[i][0], Layout(True, _block_of_largest(grad)))])
        return kept, first, found[count:end]

    def _moves(self, key: int) -> bool:
        """Tell whether the sample of a leaf moved at the last step, with a gradient that was not zero there."""
        past = self._past.get(key)
        return past is not None and past.sparse is False and past.exact_in == 0

    def after_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Emit what the step did to each leaf."""
        layouts = self._stepping.pop(optimizer, {})
        if layouts:
            self.session.mail.post(self._after_step(optimizer, list(leaves), layouts))

    def _after_step(self, optimizer: int, leaves: list[Leaf], layouts: dict[int, Layout]) -> Later[None]:
        step = self.session.step
        pairs = [(leaf, tensor) for leaf in leaves if leaf.key in layouts and (tensor := leaf.ref()) is not None]
        work = take([(tensor, layouts[leaf.key]) for leaf, tensor in pairs])
        leaves = [leaf for leaf, _ in pairs]
        del pairs
        tensor = None
        self._layouts.update((leaf.key, layouts[leaf.key]) for leaf in leaves)
        found = yield from work
        taken = self._before.pop(optimizer, {})
        for leaf, after in zip(leaves, found, strict=True):
            before = taken.get(leaf.key)
            after = None if before is None or after is None else after.like(before.layout)
            if before is None or after is None or not after.comparable(before):
                continue
            changed = not after.same(before)
            if not changed:
                after = before
            past = self._past.setdefault(leaf.key, Past())
            past.judge(changed, exact=not before.sampled or before.layout.digested)
            past.last = after
            if past.start is None:
                past.start, past.live_at_start = before, past.live
            past.live += changed
            past.held(after.digest())
            self.session.emit(
                ValueMeasured(
                    step, leaf.key, changed, optimizer, _update(before, after), _size(before),
                    before.sampled and not before.layout.digested, None, before.shown(), after.shown(),
                )
            )  # fmt: skip

    def _layout(self, leaf: Leaf, tensor: torch.Tensor, *, delayed: bool) -> Layout:
        past = self._past.get(leaf.key)
        layout = layout_for(tensor.numel(), exact=past is not None and past.due())
        if delayed and layout == Layout(True) and (past is None or past.sparse is not False):
            grad = _comparable_gradient(tensor)
            return layout if grad is None else Layout(True, Spot(_spot_of_largest(grad)))
        return layout

    def compare_unowned(self, leaves: Sequence[Leaf]) -> None:
        """After a step: compare the leaves that no optimizer holds, and say of each once that it did not move."""
        self.session.mail.post(self._compare_unowned(list(leaves)))

    def _compare_unowned(self, leaves: list[Leaf]) -> Later[None]:
        step = self.session.step
        leaves, work = self._take_again(leaves)
        writes = [self._writes.get(leaf.key) for leaf in leaves]
        found = yield from work
        for leaf, now, write in zip(leaves, found, writes, strict=True):
            past = self._past.get(leaf.key)
            now = None if past is None or past.last is None or now is None else now.like(past.last.layout)
            if past is None or past.last is None or now is None or not now.comparable(past.last):
                continue
            if not now.same(past.last):
                if self._writes.get(leaf.key) is write:
                    self._writes.pop(leaf.key, None)
                self._outside(step, leaf, now, None, write)
            elif not past.told_still:
                past.told_still = True
                self.session.emit(
                    ValueMeasured(
                        step, leaf.key, False, None, 0.0, _size(now), now.sampled, None, now.shown(), now.shown()
                    )
                )

    def compare_outside(self, leaves: Sequence[Leaf]) -> None:
        """Compare leaves with their last snapshot, outside any step (at the end of the recording)."""
        if self.session.compare:
            self.session.mail.post(self._compare_outside(list(leaves)))

    def _compare_outside(self, leaves: list[Leaf]) -> Later[None]:
        step = self.session.step
        leaves, work = self._take_again(leaves)
        writes = [self._writes.pop(leaf.key, None) for leaf in leaves]
        found = yield from work
        for leaf, snapshot, write in zip(leaves, found, writes, strict=True):
            if snapshot is not None:
                self._outside(step, leaf, snapshot, None, write)

    def _take_again(self, leaves: list[Leaf]) -> tuple[list[Leaf], Later[list[Snapshot | None]]]:
        """Return those of the leaves that were looked at before, and what looks at them in the same way."""
        pairs = [
            (leaf, (tensor, self._layouts[leaf.key]))
            for leaf in leaves
            if leaf.key in self._layouts and (tensor := leaf.ref()) is not None
        ]
        return [leaf for leaf, _ in pairs], take([pair for _, pair in pairs])

    def _outside(self, step: int, leaf: Leaf, now: Snapshot, again: Snapshot | None, write: Write | None) -> Snapshot:
        """Tell a change since the last snapshot; return the snapshot of now (the last one when nothing changed).

        Args:
            again: taken as the last one was, where ``now`` was taken in another way.
        """
        past = self._past.setdefault(leaf.key, Past())
        last = past.last
        if last is None:
            past.last = now
            past.held(now.digest())
            return now
        first, now = now, now.like(last.layout)
        if not now.comparable(last):
            again = None if again is None else again.like(last.layout)
            if again is None or not again.comparable(last):
                past.last = first
                return first
            now = again
        if now.same(last):
            return last if first.layout == last.layout else first
        digest = now.digest()
        overwritten = write is not None and write.overwrites and not write.from_grad and not write.from_other
        # A clamp may meet an earlier value by saturating; what the last step left (weights swapped for an
        # evaluation and back) undoes nothing.
        whole = write is None or write.replaces
        undone = past.live - past.live_with(digest, replaced=overwritten) if whole else 0
        if not undone and write is not None and not write.bounds:
            undone = past.back_at_start(now)  # old value and new one mixed, with next to nothing of the new
        place = None if write is None else self.session.places.key(write.site)
        self.session.emit(
            ValueMeasured(
                step, leaf.key, True, None, _update(last, now), _size(last), last.sampled, place,
                last.shown(), now.shown(), undone > 0, write is not None and write.from_grad, undone,
            )
        )  # fmt: skip
        past.last, past.start = now, None
        past.live -= undone
        past.held(digest)
        return first

    def start_afresh(self, leaves: Sequence[tuple[Leaf, torch.Tensor]], passed: StepsPassed) -> None:
        """Steps passed unseen: what leaves hold now is where comparing begins; tell those that have changed."""
        self.session.mail.post(self._start_afresh(list(leaves), passed))

    def _start_afresh(self, pairs: list[tuple[Leaf, torch.Tensor]], passed: StepsPassed) -> Later[None]:
        self._writes.clear()
        self._stepping.clear()
        if not self.session.compare:
            pairs = []
        wanted = [(t, self._layouts.setdefault(leaf.key, layout_for(t.numel()))) for leaf, t in pairs]
        leaves, work = [leaf for leaf, _ in pairs], take(wanted)
        pairs, wanted = [], []  # nothing of the user's is held while the numbers are on their way
        found = yield from work
        self._before.clear()
        moved = []
        for leaf, now in zip(leaves, found, strict=True):
            past = self._past.setdefault(leaf.key, Past())
            last, past.last, past.start, past.history, past.live = past.last, now, None, [], 0
            if now is not None:
                past.held(now.digest())
                if last is not None and (not now.comparable(last) or not now.same(last)):
                    moved.append(leaf.key)
        self.session.emit(replace(passed, moved=tuple(moved)))


def _block_of_largest(grad: torch.Tensor) -> int:
    with without_torch_function(), torch.no_grad():
        return min(int(grad.reshape(-1).abs().argmax()), max(0, grad.numel() - KEPT))


def _spot_of_largest(grad: torch.Tensor) -> torch.Tensor:
    """Return where the block around the largest gradient starts, if the gradient's sample is zero; else 0."""
    flat = grad.reshape(-1)
    blocks = parts_of(flat, Layout(True))[0]
    start = flat.abs().argmax().clamp(max=flat.numel() - KEPT)
    return torch.where(blocks.eq(0).all(), start, torch.zeros_like(start))


def _comparable_gradient(tensor: torch.Tensor) -> torch.Tensor | None:
    grad = tensor.grad
    if grad is None or not readable(grad) or grad.layout != torch.strided or grad.numel() != tensor.numel():
        return None
    return grad.detach() if tensor.is_contiguous() and grad.is_contiguous() else None


def _update(before: Snapshot, after: Snapshot) -> float | None:
    """Return the L2 norm of a change, estimated from a sample; None when only a digest shows the change."""
    if before.raw == after.raw and before.whole != after.whole:
        return None
    return norm_of_change(before, after) * _scale(before)


def _size(snapshot: Snapshot) -> float:
    return snapshot.norm() * _scale(snapshot)


def _scale(snapshot: Snapshot) -> float:
    """Return by what the norm of a sample is multiplied to estimate that of the whole tensor."""
    if not snapshot.sampled:
        return 1.0
    kept = len(snapshot.raw) // snapshot.dtype.itemsize
    return float((math.prod(snapshot.shape) / max(1, kept)) ** 0.5)
