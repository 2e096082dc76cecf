"""Did the value really change: compares parameters across each step, and between steps.

Small tensors are compared whole, bit by bit. Of large ones a fixed set of positions is compared, together
with the neighbourhood of the largest gradient; a difference there proves a change. When none is seen, the
tensor is compared whole at its next step.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tracer.events import ValueMeasured
from tracer.recording.leaves import Leaf
from tracer.recording.measure import KEPT, allocated, numbers, plain, readable
from tracer.recording.places import Site
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Tensors of at most this many elements are compared whole.
WHOLE = 16_384
#: Positions compared of a larger one.
POSITIONS = 4_096
#: Largest tensor that is ever compared whole, in elements, when its sample did not move.
EXACT = 64_000_000

_BITS = {2: np.uint16, 4: np.uint32, 8: np.uint64, 1: np.uint8}


@dataclass(slots=True)
class Snapshot:
    """Bytes of (a sample of) one tensor at one moment."""

    bits: np.ndarray[Any, Any]
    data: np.ndarray[Any, Any]  #: the same as float64-compatible numbers
    sampled: bool
    extra: int | None = None  #: start of the block around the largest gradient
    shown: object = None

    def digest(self) -> int:
        return zlib.crc32(self.bits.tobytes())


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
    stepped: int | None = None  #: digest of what the last step left
    digests: list[int] = field(default_factory=list)
    exact_next: bool = False
    told_still: bool = False


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
            snapshot = self._take(leaf, tensor)
            if snapshot is not None:
                self._past[leaf.key] = Past(last=snapshot, digests=[snapshot.digest()])

    def before_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Compare with what the last step left, and keep the value that the step starts from."""
        taken: dict[int, Snapshot] = {}
        for leaf in leaves:
            tensor = leaf.ref()
            snapshot = None if tensor is None else self._take(leaf, tensor)
            if snapshot is not None and tensor is not None:
                taken[leaf.key] = snapshot
                self._outside(leaf, tensor, snapshot)
        self._before[optimizer] = taken

    def after_step(self, optimizer: int, leaves: Sequence[Leaf]) -> None:
        """Emit what the step did to each leaf."""
        taken = self._before.pop(optimizer, {})
        for leaf in leaves:
            before = taken.get(leaf.key)
            tensor = leaf.ref()
            if before is None or tensor is None:
                continue
            after = self._take(leaf, tensor, like=before)
            if after is None:
                continue
            changed, update, size = _difference(before, after)
            past = self._past.setdefault(leaf.key, Past())
            past.exact_next = before.sampled and not changed
            past.last = after
            past.stepped = after.digest()
            past.digests.append(past.stepped)
            del past.digests[1:-16]
            self.session.emit(
                ValueMeasured(
                    self.session.step, leaf.key, changed, optimizer, _scaled(update, before, leaf),
                    _scaled(size, before, leaf), before.sampled, None, before.shown, after.shown,
                )
            )  # fmt: skip

    def compare_unowned(self, leaves: Sequence[Leaf]) -> None:
        """After a step: compare the leaves that no optimizer holds, and say of each once that it did not move."""
        for leaf in leaves:
            tensor, past = leaf.ref(), self._past.get(leaf.key)
            if tensor is None or past is None or past.last is None:
                continue
            now = self._take(leaf, tensor, like=past.last)
            if now is None or now.bits.shape != past.last.bits.shape:
                continue
            if not np.array_equal(now.bits, past.last.bits):
                self._outside(leaf, tensor, now)
            elif not past.told_still:
                past.told_still = True
                size = float(np.linalg.norm(now.data.astype(np.float64, copy=False)))
                self.session.emit(
                    ValueMeasured(
                        self.session.step, leaf.key, False, None, 0.0, _scaled(size, now, leaf), now.sampled, None,
                        now.shown, now.shown,
                    )
                )  # fmt: skip

    def compare_outside(self, leaves: Sequence[Leaf]) -> None:
        """Compare leaves with their last snapshot, outside any step (at the end of the recording)."""
        for leaf in leaves:
            tensor = leaf.ref()
            if tensor is None or leaf.key not in self._past:
                continue
            snapshot = self._take(leaf, tensor)
            if snapshot is not None:
                self._outside(leaf, tensor, snapshot)

    def _outside(self, leaf: Leaf, tensor: torch.Tensor, now: Snapshot) -> None:
        past = self._past.setdefault(leaf.key, Past())
        write = self._writes.pop(leaf.key, None)
        last = past.last
        if last is None:
            past.last = now
            past.digests.append(now.digest())
            return
        if last.sampled != now.sampled or last.extra != now.extra or last.bits.shape != now.bits.shape:
            again = self._take(leaf, tensor, like=last)
            if again is None or again.bits.shape != last.bits.shape:
                past.last = now
                return
            now = again
        changed, update, size = _difference(last, now)
        if not changed:
            return
        digest = now.digest()
        overwritten = write is not None and write.overwrites and not write.from_grad and not write.from_other
        # A clamp may meet an earlier value by saturating; what the last step left (weights swapped for an
        # evaluation and back) undoes nothing.
        put_back = digest in past.digests[:-1] and (write is None or write.replaces)
        reverted = digest != past.stepped and (put_back or overwritten)
        self.session.emit(
            ValueMeasured(
                self.session.step, leaf.key, True, None, _scaled(update, last, leaf), _scaled(size, last, leaf),
                last.sampled, None if write is None else self.session.places.key(write.site), last.shown,
                now.shown, reverted, write is not None and write.from_grad,
            )
        )  # fmt: skip
        past.last = now
        past.digests.append(digest)

    # ------------------------------------------------------------------ snapshots

    def _take(self, leaf: Leaf, tensor: torch.Tensor, like: Snapshot | None = None) -> Snapshot | None:
        if not self.session.compare or not readable(tensor) or not allocated(tensor):
            return None
        with without_torch_function(), torch.no_grad():
            flat = plain(tensor).reshape(-1)
            if flat.numel() == 0:
                return None
            if flat.is_complex():
                flat = torch.view_as_real(flat).reshape(-1)
            exact = self._past[leaf.key].exact_next if leaf.key in self._past else False
            sampled = flat.numel() > WHOLE and not (exact and flat.numel() <= EXACT)
            extra = None
            if like is not None:
                sampled, extra = like.sampled, like.extra
            elif sampled:
                extra = _block_of_largest_gradient(tensor, flat.numel())
            part = flat
            if sampled:
                part = flat[:: max(1, flat.numel() // POSITIONS)]
                if extra is not None:
                    part = torch.cat([part, flat[extra : extra + KEPT]])
            return _freeze(part, sampled, extra, numbers(tensor) if flat.numel() <= KEPT else None)


def _block_of_largest_gradient(tensor: torch.Tensor, count: int) -> int | None:
    """Return where the largest gradient lies, when a sample of the gradient shows only zeros."""
    grad = tensor.grad
    if grad is None or not readable(grad) or grad.layout != torch.strided or grad.numel() != count:
        return None
    flat = grad.detach().reshape(-1)
    if bool(flat[:: max(1, count // POSITIONS)].any()):
        return None
    return min(int(flat.abs().argmax()), max(0, count - KEPT))


def _freeze(part: torch.Tensor, sampled: bool, extra: int | None, shown: object) -> Snapshot:
    host = part.detach().cpu().contiguous()
    if host.dtype == torch.bfloat16:
        bits = host.view(torch.int16).numpy().copy()
        data = host.float().numpy()
    else:
        data = host.numpy().copy()
        bits = data.view(_BITS.get(data.dtype.itemsize, np.uint8))
    return Snapshot(bits, data, sampled, extra, shown)


def _difference(before: Snapshot, after: Snapshot) -> tuple[bool, float, float]:
    """Return whether any bit differs, the L2 norm of the difference and the L2 norm before."""
    changed = not np.array_equal(before.bits, after.bits)
    old = before.data.astype(np.float64, copy=False)
    update = 0.0
    if changed:
        with np.errstate(all="ignore"):
            update = float(np.linalg.norm(after.data.astype(np.float64, copy=False) - old))
    return changed, update, float(np.linalg.norm(old))


def _scaled(value: float, snapshot: Snapshot, leaf: Leaf) -> float:
    """Estimate the norm of the whole tensor from that of a sample."""
    if not snapshot.sampled:
        return value
    count = 1
    for n in leaf.shape:
        count *= n
    return float(value * (count / max(1, snapshot.data.size)) ** 0.5)
