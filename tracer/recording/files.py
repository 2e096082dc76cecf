"""Values that go through a file: ``torch.save`` and ``torch.load`` keep the numbers and no history."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.dark import Dark, Lit
from tracer.recording.patches import Patch
from tracer.recording.places import user_site

if TYPE_CHECKING:
    from tracer.recording.session import Session

Tensor = torch.Tensor
#: Things looked at in what is saved or loaded, at most.
ITEMS = 1_000


def patches(session: Session) -> list[Patch]:
    """Return the wrappers of ``torch.save`` and ``torch.load``."""
    store, fetch = torch.save, torch.load

    def save(obj: Any, *args: Any, **kwargs: Any) -> Any:
        out = store(obj, *args, **kwargs)
        if session.here():
            session.apart(_saved, session, obj, sys._getframe(1))
        return out

    def load(*args: Any, **kwargs: Any) -> Any:
        out = fetch(*args, **kwargs)
        if session.here() and session.cut_side.recognition.kept:
            session.apart(_loaded, session, out, sys._getframe(1))
        return out

    return [(torch, "save", save), (torch, "load", load)]


def _saved(session: Session, obj: Any, frame: FrameType) -> None:
    side, site = session.cut_side, user_site(frame)
    for tensor in _computed(obj):
        record = side.dark.get(tensor)
        # A parameter and its ``detach()`` in a state dict: a checkpoint, no result of the network.
        if tensor.is_floating_point() and (record is None or record.alias is None):
            parents: list[Dark | Lit] = side.history_of(tensor) if record is None else [record]
            if parents:
                side.recognition.keep(tensor, Dark("saved", "save", site, parents))


def _loaded(session: Session, obj: Any, frame: FrameType) -> None:
    side, site = session.cut_side, user_site(frame)
    for tensor in _computed(obj):
        record = side.recognition.kept_as(tensor)
        if record is not None:
            side.dark.put(tensor, Dark("saved", "load", site, [record]))


def _computed(obj: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested containers that are no parameters."""
    stack, count = [obj], 0
    while stack and count < ITEMS:
        thing = stack.pop()
        count += 1
        if isinstance(thing, Tensor):
            if not isinstance(thing, torch.nn.Parameter):
                yield thing
        elif isinstance(thing, dict):
            stack.extend(list(thing.values())[:ITEMS])
        elif isinstance(thing, (list, tuple)):
            stack.extend(thing[:ITEMS])
