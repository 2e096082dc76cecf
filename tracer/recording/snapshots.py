"""Snapshots of values: whole for small tensors, spread blocks of large ones, all read in one go.

Parts of all tensors are joined where they live and brought over together. What a snapshot keeps is bytes, so
that "changed" means that a bit differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from tracer.recording.mailbox import Later
from tracer.recording.measure import KEPT, ORDINARY, allocated, plain, readable, shown_numbers

#: Tensors of at most this many elements are kept whole.
WHOLE = 16_384
#: Of a larger one, so many blocks of so many elements: a block is one line of the processor's cache.
BLOCKS, BLOCK = 256, 16
#: Up to this many elements a tensor whose blocks did not move is kept whole once; a larger one is digested.
BUDGET = 4_000_000

_WEIGHTS = np.random.Generator(np.random.PCG64(7)).integers(1, 2**63, BUDGET // 512, dtype=np.uint64) | np.uint64(1)


class Spot:
    """A place in a tensor that only the device knows; equal to itself alone."""

    __slots__ = ("start",)

    def __init__(self, start: torch.Tensor) -> None:
        self.start = start  #: 0-dim int64


class Layout(NamedTuple):
    """Which elements of a tensor a snapshot holds."""

    sampled: bool
    extra: int | Spot | None = None  #: start of the block around the largest gradient
    digested: bool = False  #: besides the sample, a digest of all elements


@dataclass(slots=True)
class Snapshot:
    """Bytes of (a sample of) one tensor at one moment."""

    raw: bytes
    layout: Layout
    dtype: torch.dtype
    shape: tuple[int, ...]  #: of the whole tensor
    whole: int = 0  #: digest of all elements, where the layout asks for it
    _digest: int | None = None
    _norm: float | None = field(default=None)
    _shown: object = None

    @property
    def sampled(self) -> bool:
        return self.layout.sampled

    def same(self, other: Snapshot) -> bool:
        """Tell whether no bit differs from another snapshot of the same layout."""
        return self.raw == other.raw and self.whole == other.whole

    def like(self, layout: Layout) -> Snapshot:
        """Return the snapshot without a block that turned out not to be needed, where ``layout`` has none."""
        if layout != Layout(True) or not isinstance(self.layout.extra, Spot) or self.layout.digested:
            return self
        return Snapshot(self.raw[: -KEPT * self.dtype.itemsize], layout, self.dtype, self.shape)

    def comparable(self, other: Snapshot) -> bool:
        return self.layout == other.layout and len(self.raw) == len(other.raw)

    def digest(self) -> int:
        """Return a number that depends on every bit and its position."""
        if self._digest is None:
            self._digest = _digest_of(self.raw) ^ self.whole
        return self._digest

    def data(self) -> np.ndarray[Any, Any]:
        """Return the numbers, complex ones as pairs."""
        known = _NUMPY.get(self.dtype)
        if known is not None:
            return np.frombuffer(self.raw, known)
        return torch.frombuffer(bytearray(self.raw), dtype=self.dtype).double().numpy()

    def norm(self) -> float:
        """Return the L2 norm of what is kept."""
        if self._norm is None:
            self._norm = norm_of(self.data())
        return self._norm

    def shown(self) -> object:
        """Return the numbers of a small tensor as nested lists, else None."""
        if self._shown is None and self.raw and not self.sampled:
            count, kept = math.prod(self.shape), len(self.raw) // self.dtype.itemsize
            if count <= KEPT and kept in (count, 2 * count):  # else it is a sparse tensor's values
                self._shown = shown_numbers(torch.frombuffer(bytearray(self.raw), dtype=self.dtype), self.shape)
        return self._shown


_NUMPY: dict[torch.dtype, Any] = {
    torch.float32: np.float32,
    torch.float64: np.float64,
    torch.float16: np.float16,
    torch.int64: np.int64,
    torch.int32: np.int32,
    torch.complex64: np.float32,
    torch.complex128: np.float64,
}


def _digest_of(raw: bytes) -> int:
    words = np.frombuffer(raw, np.uint64, len(raw) // 8)
    total = int.from_bytes(raw[len(words) * 8 :], "little")
    for start in range(0, len(words), len(_WEIGHTS)):
        part = words[start : start + len(_WEIGHTS)]
        total = total * 0x9E3779B97F4A7C15 + int(np.dot(part, _WEIGHTS[: len(part)]))
    return total & 0xFFFFFFFFFFFFFFFF


def norm_of(data: np.ndarray[Any, Any]) -> float:
    """Return the L2 norm; in float64 where float32 does not hold the squares."""
    with np.errstate(all="ignore"):
        if data.dtype == np.float32:
            square = float(np.dot(data, data))
            if 1e-30 < square < 1e30:
                return float(square**0.5)
        return float(np.linalg.norm(data.astype(np.float64, copy=False)))


def norm_of_change(before: Snapshot, after: Snapshot) -> float:
    """Return the L2 norm of the difference of two comparable snapshots; 0.0 where nothing differs."""
    if before.raw == after.raw:
        return 0.0
    old, new = before.data(), after.data()
    if old.dtype.itemsize < 4 or old.dtype.kind != "f":
        old, new = old.astype(np.float64), new.astype(np.float64)
    with np.errstate(all="ignore"):
        found = norm_of(new - old)
        return found or norm_of(new.astype(np.float64) - old.astype(np.float64))


# --------------------------------------------------------------------------- taking


def layout_for(count: int, *, exact: bool = False) -> Layout:
    """Return how a tensor of so many elements is kept; ``exact``: so that no change can hide."""
    if not exact or count <= WHOLE:
        return Layout(count > WHOLE)
    return Layout(count > BUDGET, None, count > BUDGET)


def take(wanted: Sequence[tuple[torch.Tensor, Layout]]) -> Later[list[Snapshot | None]]:
    """Return a snapshot per tensor, None for one that cannot be read; all are read together."""
    found, joined, sizes, digested = _joined(wanted)
    del wanted  # nothing of the user's is held while the bytes are on their way
    hosts = yield joined
    for i, raw in _apart(sizes, hosts[: len(sizes)]):
        snapshot = found[i]
        if snapshot is not None:
            snapshot.raw += raw
    for i, host in zip(digested, hosts[len(sizes) :], strict=True):
        snapshot = found[i]
        if snapshot is not None:
            snapshot.whole = int(host.numpy()[0]) & 0xFFFFFFFFFFFFFFFF
    return found


def _joined(
    wanted: Sequence[tuple[torch.Tensor, Layout]],
) -> tuple[list[Snapshot | None], list[torch.Tensor], list[list[tuple[int, int]]], list[int]]:
    """Join what is kept of the tensors.

    Returns:
        Snapshots still empty; the bytes of each device and dtype, then the digests; for each of the former (index,
        size) of its parts; and the indices of those with a digest.
    """
    found: list[Snapshot | None] = [None] * len(wanted)
    parts: dict[tuple[torch.device, torch.dtype, int], list[tuple[int, torch.Tensor]]] = {}
    digests: list[tuple[int, torch.Tensor]] = []
    for i, (tensor, layout) in enumerate(wanted):
        if readable(tensor) and allocated(tensor) and tensor.numel():
            flat = _flat(tensor)
            found[i] = Snapshot(b"", layout, flat.dtype, tuple(tensor.shape))
            if layout.digested:
                digests.append((i, digest_on_device(flat).reshape(1)))
            for part in parts_of(flat, layout):
                parts.setdefault((part.device, part.dtype, part.dim()), []).append((i, part))
    # Blocks first (two dimensions), then whole tensors and extra blocks (one).
    groups = [members for _, members in sorted(parts.items(), key=lambda item: -item[0][2])]
    sizes = [[(i, part.numel() * part.element_size()) for i, part in members] for members in groups]
    joined = [torch.cat([part for _, part in members]).reshape(-1).view(torch.uint8) for members in groups]
    return found, [*joined, *(digest for _, digest in digests)], sizes, [i for i, _ in digests]


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    if type(tensor) in ORDINARY and tensor.layout == torch.strided and not tensor.is_complex():
        tensor = tensor.detach()
        if tensor.numel() > WHOLE and tensor.dim() == 4 and not tensor.is_contiguous():
            tensor = tensor.permute(0, 2, 3, 1)  # channels last: in the order of memory nothing is copied
        return tensor.reshape(-1)
    flat = plain(tensor).reshape(-1)
    return torch.view_as_real(flat).reshape(-1) if flat.is_complex() else flat


def parts_of(flat: torch.Tensor, layout: Layout) -> list[torch.Tensor]:
    """Return what is kept of a flat tensor: blocks, or all of it, and the extra block."""
    if not layout.sampled:
        return [flat]
    count = flat.numel()
    if flat.is_contiguous():
        blocks = flat.as_strided((BLOCKS, BLOCK), (count // BLOCKS, 1), flat.storage_offset())
    else:
        blocks = flat[:: count // (BLOCKS * BLOCK)][: BLOCKS * BLOCK]
    if layout.extra is None:
        return [blocks]
    if isinstance(layout.extra, Spot):
        return [blocks, flat.index_select(0, layout.extra.start + torch.arange(KEPT, device=flat.device))]
    return [blocks, flat[layout.extra : layout.extra + KEPT]]


def _apart(sizes: list[list[tuple[int, int]]], hosts: Sequence[torch.Tensor]) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes of all parts, in the order of each tensor's parts."""
    for group, host in zip(sizes, hosts, strict=True):
        view, at = memoryview(host.numpy().data), 0
        for i, size in group:
            yield i, view[at : at + size].tobytes()
            at += size


def digest_on_device(flat: torch.Tensor) -> torch.Tensor:
    """Return a 0-dim int64 tensor, computed on the device, that depends on every bit of a large one and its place."""
    ints = flat.contiguous().view({1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()])
    total = torch.zeros((), dtype=torch.int64, device=flat.device)
    weights = _device_weights(min(flat.numel(), _CHUNK), flat.device)
    for start in range(0, ints.numel(), _CHUNK):
        part = ints[start : start + _CHUNK].to(torch.int64)
        total = total * 0x1E3779B97F4A7C15 + (part * weights[: part.numel()]).sum()
    return total


_CHUNK = 1 << 20


def _device_weights(count: int, device: torch.device) -> torch.Tensor:
    found = torch.arange(1, count + 1, dtype=torch.int64, device=device) * 0x1E3779B97F4A7C15
    found = (found ^ (found >> 31)) * 0x3F58476D1CE4E5B9
    return (found ^ (found >> 29)) | 1
