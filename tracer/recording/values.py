"""Did the value really change: compares parameters across each step, and between steps.

Small tensors are compared whole, bit by bit. Of large ones blocks spread evenly are compared, together with
the neighbourhood of the largest gradient; a difference there proves a change. When none is seen, the tensor
is compared whole at its next step: by a copy up to 4 million elements, beyond that by a digest of all bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from tracer.events import ValueMeasured
from tracer.recording.leaves import Leaf
from tracer.recording.measure import KEPT, readable
from tracer.recording.places import Site
from tracer.recording.snapshots import Layout, Snapshot, layout_for, norm_of_change, take
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Once a tensor did not move even when compared whole, it is compared so at the 2nd, 4th ... 64th step after.
PATIENCE = 64


@dataclass(slots=True)
class Write:
    """What was seen of writes to one leaf outside the optimizer since its last comparison."""

    site: Site | None
    replaces: bool
    overwrites: bool
    from_grad: bool
    from_other: bool


@dataclass(slots=True)
class Past:
    """The last snapshot of a leaf, and digests of earlier ones."""

    last: Snapshot | None = None
    #: (digest of a value held before, steps whose work was in it), oldest first
    history: list[tuple[int, int]] = field(default_factory=list)
    live: int = 0  #: steps whose work is in the value now
    exact_in: int = 0  #: steps until it is compared whole, while its sample does not move
    patience: int = 1
    told_still: bool = False

    def judge(self, changed: bool, *, exact: bool) -> None:
        """A step has been compared: plan when the tensor is looked at as a whole."""
        if changed:
            self.exact_in, self.patience = 0, 1
        elif exact:
            self.patience = min(2 * self.patience, PATIENCE)
            self.exact_in = self.patience
        else:
            self.exact_in -= 1

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

    def written(
        self,
        key: int,
        site: Site | None,
        *,
        replaces: bool,
        overwrites: bool,
        from_grad: bool,
        from_other: bool,
    ) -> None:
        """The user's program wrote into a leaf outside any optimizer step.

        Args:
            replaces: by a call that leaves nothing of the old value (``copy_``, ``.data =``).
            overwrites: and what it wrote does not come from the leaf itself.
        """
        known = self._writes.get(key)
        if known is not None:
            # Several writes between two comparisons: keep the heaviest, remember any use of a gradient.
            site = site if overwrites and not known.overwrites else known.site
            replaces, overwrites = replaces or known.replaces, overwrites or known.overwrites
            from_grad, from_other = from_grad or known.from_grad, from_other or known.from_other
        self._writes[key] = Write(site, replaces, overwrites, from_grad, from_other)
        if replaces and key in self._past:
            # Compared at once: the model may be gone when the recording ends, or be written again before.
            self.compare_outside([self.session.leaves.all[key]])

    # ------------------------------------------------------------------ around a step

    def first_seen(self, leaf: Leaf, tensor: torch.Tensor) -> None:
        """Take the starting value of a leaf before the first backward or step."""
        if leaf.key not in self._past and self.session.compare:
            snapshot = self._one(leaf, tensor)
            if snapshot is not None:
                self._past[leaf.key] = Past(last=snapshot, history=[(snapshot.digest(), 0)])

    def before_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Compare with what the last step left, and keep the value that the step starts from."""
        taken: dict[int, Snapshot] = {}
        if self.session.compare:
            alive = [(leaf, tensor) for leaf in leaves if (tensor := leaf.ref()) is not None]
            found = self._before_values(alive)
            for (leaf, tensor), snapshot in zip(alive, found, strict=True):
                if snapshot is not None:
                    taken[leaf.key] = self._outside(leaf, tensor, snapshot)
        self._before[optimizer] = taken

    def after_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Emit what the step did to each leaf."""
        taken = self._before.pop(optimizer, {})
        pairs = [(leaf, tensor) for leaf in leaves if leaf.key in taken and (tensor := leaf.ref()) is not None]
        for (leaf, _), after in zip(pairs, take([(t, taken[leaf.key].layout) for leaf, t in pairs]), strict=True):
            before = taken[leaf.key]
            if after is None or not after.comparable(before):
                continue
            changed = not after.same(before)
            if not changed:
                after = before
            past = self._past.setdefault(leaf.key, Past())
            past.judge(changed, exact=not before.sampled or before.layout.digested)
            past.last = after
            past.live += changed
            past.held(after.digest())
            self.session.emit(
                ValueMeasured(
                    self.session.step, leaf.key, changed, optimizer, _update(before, after), _size(before),
                    before.sampled and not before.layout.digested, None, before.shown(), after.shown(),
                )
            )  # fmt: skip

    def _before_values(self, alive: Sequence[tuple[Leaf, torch.Tensor]]) -> list[Snapshot | None]:
        """Take what is kept of each leaf; of one whose gradient's sample is zero, also the block where it is not."""
        wanted = [(tensor, self._layout(leaf, tensor)) for leaf, tensor in alive]
        sampled = [i for i, (_, layout) in enumerate(wanted) if layout == Layout(True)]
        grads = [(i, grad) for i in sampled if (grad := _comparable_gradient(wanted[i][0])) is not None]
        found = take([*wanted, *((grad, Layout(True)) for _, grad in grads)])
        for (i, grad), sample in zip(grads, found[len(wanted) :], strict=True):
            if sample is not None and sample.raw == bytes(len(sample.raw)):
                tensor = wanted[i][0]
                found[i] = take([(tensor, Layout(True, _block_of_largest(grad)))])[0]
        return found[: len(wanted)]

    def _layout(self, leaf: Leaf, tensor: torch.Tensor) -> Layout:
        past = self._past.get(leaf.key)
        return layout_for(tensor.numel(), exact=past is not None and past.due())

    def compare_unowned(self, leaves: Sequence[Leaf]) -> None:
        """After a step: compare the leaves that no optimizer holds, and say of each once that it did not move."""
        for leaf in leaves:
            tensor, past = leaf.ref(), self._past.get(leaf.key)
            if tensor is None or past is None or past.last is None:
                continue
            now = self._one(leaf, tensor, past.last.layout)
            if now is None or not now.comparable(past.last):
                continue
            if not now.same(past.last):
                self._outside(leaf, tensor, now)
            elif not past.told_still:
                past.told_still = True
                self.session.emit(
                    ValueMeasured(
                        self.session.step, leaf.key, False, None, 0.0, _size(now), now.sampled, None, now.shown(),
                        now.shown(),
                    )
                )  # fmt: skip

    def compare_outside(self, leaves: Sequence[Leaf]) -> None:
        """Compare leaves with their last snapshot, outside any step (at the end of the recording)."""
        for leaf in leaves:
            tensor = leaf.ref()
            if tensor is None or leaf.key not in self._past:
                continue
            last = self._past[leaf.key].last
            snapshot = self._one(leaf, tensor, None if last is None else last.layout)
            if snapshot is not None:
                self._outside(leaf, tensor, snapshot)

    def _outside(self, leaf: Leaf, tensor: torch.Tensor, now: Snapshot) -> Snapshot:
        """Tell a change since the last snapshot; return the snapshot of now (the last one when nothing changed)."""
        past = self._past.setdefault(leaf.key, Past())
        write = self._writes.pop(leaf.key, None)
        last = past.last
        if last is None:
            past.last = now
            past.held(now.digest())
            return now
        first = now
        if not now.comparable(last):
            again = self._one(leaf, tensor, last.layout)
            if again is None or not again.comparable(last):
                past.last = now
                return now
            now = again
        if now.same(last):
            return last if now is first else first
        digest = now.digest()
        overwritten = write is not None and write.overwrites and not write.from_grad and not write.from_other
        # A clamp may meet an earlier value by saturating; what the last step left (weights swapped for an
        # evaluation and back) undoes nothing.
        whole = write is None or write.replaces
        undone = past.live - past.live_with(digest, replaced=overwritten) if whole else 0
        place = None if write is None else self.session.places.key(write.site)
        self.session.emit(
            ValueMeasured(
                self.session.step, leaf.key, True, None, _update(last, now), _size(last), last.sampled, place,
                last.shown(), now.shown(), undone > 0, write is not None and write.from_grad, undone,
            )
        )  # fmt: skip
        past.last = now
        past.live -= undone
        past.held(digest)
        return first

    def start_afresh(self, leaves: Sequence[tuple[Leaf, torch.Tensor]]) -> tuple[int, ...]:
        """Steps passed unseen: what leaves hold now is where comparing begins; return those that have changed."""
        self._writes.clear()
        self._before.clear()
        if not self.session.compare:
            return ()
        pasts = [self._past.setdefault(leaf.key, Past()) for leaf, _ in leaves]
        lasts = [past.last for past in pasts]
        wanted = [
            (tensor, layout_for(tensor.numel()) if last is None else last.layout)
            for (_, tensor), last in zip(leaves, lasts, strict=True)
        ]
        moved = []
        for (leaf, _), past, now in zip(leaves, pasts, take(wanted), strict=True):
            last, past.last, past.history, past.live = past.last, now, [], 0
            if now is not None:
                past.held(now.digest())
                if last is not None and (not now.comparable(last) or not now.same(last)):
                    moved.append(leaf.key)
        return tuple(moved)

    # ------------------------------------------------------------------ snapshots

    def _one(self, leaf: Leaf, tensor: torch.Tensor, layout: Layout | None = None) -> Snapshot | None:
        return take([(tensor, layout or layout_for(tensor.numel()))])[0] if self.session.compare else None


def _block_of_largest(grad: torch.Tensor) -> int:
    with without_torch_function(), torch.no_grad():
        return min(int(grad.reshape(-1).abs().argmax()), max(0, grad.numel() - KEPT))


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
