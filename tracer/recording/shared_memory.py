"""Which plain tensor a ``.data`` or ``.detach()`` shares its memory with, so that a write through it is seen.

``preds.data[:, t] = out`` gives ``preds`` the numbers and no history: autograd follows the temporary tensor only.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch

Tensor = torch.Tensor


class SharedMemory:
    """Weak map from such a tensor to the one it was taken from."""

    def __init__(self) -> None:
        self._sources: dict[int, tuple[weakref.ref[Tensor], weakref.ref[Tensor]]] = {}

    def __bool__(self) -> bool:
        return bool(self._sources)

    def taken(self, source: Any, out: Any) -> None:
        """``out`` is ``source.data`` or ``source.detach()``."""
        if not isinstance(source, Tensor) or not isinstance(out, Tensor) or not out.is_floating_point():
            return
        mark, store = id(out), self._sources

        def forget(ref: weakref.ref[Tensor], mark: int = mark) -> None:
            known = store.get(mark)
            if known is not None and known[0] is ref:
                del store[mark]

        store[mark] = (weakref.ref(out, forget), weakref.ref(source))

    def source(self, target: Any) -> Tensor | None:
        """Return the tensor whose memory ``target``, or what it is a view of, was taken from."""
        if not self._sources or not isinstance(target, Tensor):
            return None
        for tensor in (target, target._base):
            known = self._sources.get(id(tensor))
            if known is not None and known[0]() is tensor:
                return known[1]()
        return None
