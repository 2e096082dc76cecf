"""Where tensors without a graph were made: asked only when data turns out to hold NaN or Inf.

The first calls of a program are remembered (that is where data is prepared), and all calls of the last while
once something went wrong. Nothing is kept alive: tensors are held weakly.
"""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.kinds import mutates, name_of
from tracer.recording.places import Site, user_site
from tracer.recording.saved_values import not_finite
from tracer.recording.torch_compat import without_torch_function

if TYPE_CHECKING:
    from types import FrameType

Tensor = torch.Tensor
#: Calls remembered from the start of the program, and of the last ones after an alarm.
FIRST, LAST = 1024, 2048
#: Calls that only move, pick or convert numbers: they make no NaN of their own.
_MOVES = frozenset(
    (
        "__getitem__", "index_select", "stack", "cat", "to", "float", "double", "half", "bfloat16", "clone",
        "contiguous",
        "view", "reshape", "flatten", "squeeze", "unsqueeze", "transpose", "permute", "t", "T", "split", "chunk",
        "detach", "cpu", "cuda", "expand", "repeat", "pin_memory", "unbind", "gather", "type", "data",
    )
)  # fmt: skip


class _Made:
    """One call that gave a tensor without a graph."""

    __slots__ = ("name", "parents", "ref", "result", "site")

    def __init__(self, name: str, result: Tensor, parents: tuple[int, ...], site: Site | None) -> None:
        self.name = name
        self.ref = weakref.ref(result)
        self.result = id(result)
        self.parents = parents
        self.site = site


class PlainTensors:
    """Calls on data: what they made, and from what."""

    def __init__(self) -> None:
        self._first: list[_Made] = []
        self._last: deque[_Made] = deque(maxlen=LAST)
        self.on = True  #: whether calls are to be told

    def alarm(self) -> None:
        """Something is not finite: remember the calls of the next while."""
        self.on = True

    def made(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, frame: FrameType) -> None:
        """A call made no graph node."""
        name = name_of(func)
        changed = args[0] if args and mutates(name, func, kwargs) else out
        if not isinstance(changed, Tensor) or not changed.is_floating_point():
            return
        inputs = (t for a in args for t in (a if isinstance(a, (list, tuple)) else (a,)))
        parents = tuple(id(t) for t in inputs if isinstance(t, Tensor))
        entry = _Made(name, changed, parents, user_site(frame))
        if len(self._first) < FIRST:
            self._first.append(entry)
            self.on = len(self._first) < FIRST
        else:
            self._last.append(entry)

    def origin(self, bad: Tensor) -> Site | None:
        """Return the line that first made the NaN or Inf in a tensor, as far as the calls were seen."""
        with without_torch_function(), torch.no_grad():
            entries = [*self._first, *self._last]
            at = next((i for i in reversed(range(len(entries))) if entries[i].ref() is bad), None)
            site = None
            while at is not None:
                site = entries[at].site
                at = self._worse_parent(entries, at)
            return site

    def _worse_parent(self, entries: list[_Made], at: int) -> int | None:
        """Return the earlier call from which a call got its bad numbers, None when it made them itself."""
        unseen: int | None = None
        for parent in entries[at].parents:
            before = next((i for i in reversed(range(at)) if entries[i].result == parent), None)
            if before is None:
                continue
            value = entries[before].ref()
            if value is None:
                unseen = before if unseen is None else unseen
            elif value.numel() and not_finite(value):
                return before
        return unseen if entries[at].name in _MOVES else None
