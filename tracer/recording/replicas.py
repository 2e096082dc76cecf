"""Digests of parameter values under several ranks, so that replicas can be compared afterwards.

Nothing is exchanged between ranks while the program runs: each writes its own digests, a merge compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from tracer.events import ReplicaDigests
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later
from tracer.recording.measure import ORDINARY, allocated, is_empty, readable

if TYPE_CHECKING:
    from tracer.recording.session import Session

#: Elements of a parameter that are read, spread evenly over it.
POSITIONS = 1_024
#: Digests are taken at the first so many steps, and then at every so many.
STEPS = 8
#: An odd number of 31 bits: differing elements at different positions do not cancel.
_FACTOR = 1_103_515_245


class Replicas:
    """Takes a digest of each replicated parameter after a step; one transfer to the host for all of them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def stepped(self, optimizer: int, leaves: Sequence[Leaf], turn: int) -> None:
        """An optimizer has made so many steps. Does nothing in a program of one rank, and for sharded parameters."""
        if not several_ranks() or (turn > STEPS and turn % STEPS and not self.session.sampling.on):
            return
        self.session.mail.post(self._digest(optimizer, turn, leaves))

    def _digest(self, optimizer: int, turn: int, leaves: Sequence[Leaf]) -> Later[None]:
        step = self.session.step
        found = {leaf.key: digest(t) for leaf in leaves if (t := leaf.ref()) is not None and _whole(t)}
        t = None
        by_device: dict[torch.device, list[int]] = {}
        for key, scalar in found.items():
            by_device.setdefault(scalar.device, []).append(key)
        hosts = yield [torch.stack([found[key] for key in keys]) for keys in by_device.values()]
        digests: dict[int, int] = {}
        for keys, host in zip(by_device.values(), hosts, strict=True):
            digests.update((key, value & 0xFFFFFFFF) for key, value in zip(keys, host.tolist(), strict=True))
        self.session.emit(ReplicaDigests(step, optimizer, turn, tuple(found), tuple(digests[key] for key in found)))


def several_ranks() -> bool:
    """Tell whether the program is one of several ranks of a job."""
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _whole(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is a plain one that each rank of a data parallel job holds whole."""
    plain = type(tensor) in ORDINARY and tensor.layout == torch.strided
    return plain and readable(tensor) and allocated(tensor) and not is_empty(tensor)


def digest(tensor: torch.Tensor) -> torch.Tensor:
    """Return a 0-dim int64 tensor that depends on the bits of up to 1,024 elements and on their positions."""
    flat = tensor.detach().reshape(-1)
    if flat.is_complex():
        flat = torch.view_as_real(flat).reshape(-1)
    flat = flat[:: max(1, flat.numel() // POSITIONS)].contiguous()
    same_size = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()]
    bits = flat.view(same_size).to(torch.int64)
    weights = torch.arange(1, bits.numel() + 1, device=bits.device, dtype=torch.int64) * _FACTOR | 1
    return (bits * weights).sum()  # int64 wraps around, alike on every device
