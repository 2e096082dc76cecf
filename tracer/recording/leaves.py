"""The followed leaves: one key per tensor object, held weakly, with what was last seen of it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from tracer.recording.places import Site


@dataclass(slots=True)
class Leaf:
    """What the recorder remembers of one leaf; never the tensor itself."""

    key: int
    ref: weakref.ref[torch.Tensor]
    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool
    local_shape: tuple[int, ...] | None = None  #: of a sharded tensor: what lies on this rank
    placement: str = ""
    name: str = ""
    model: int | None = None
    aliases: tuple[str, ...] = ()
    kind: str = "orphan"
    module: int | None = None
    local: str = ""  #: attribute under which its module registered it
    made: Site | None = None
    copy_of: int | None = None
    role: str = ""  #: as in ``LeafSeen``
    asked: bool = False  #: the program read ``.grad`` and there was none
    accumulated: int = 0
    owned: bool = False
    #: ``.grad`` holds a gradient that an optimizer step has already used.
    used: bool = False
    #: ``.grad`` was zeroed in place since that step.
    zeroed: bool = False
    hooked: bool = False  #: our post-accumulate hook is on it
    compared: bool = False  #: no hook of ours: ``.grad`` before and after a backward tells what it did
    handles: list[Any] = field(default_factory=list)
    #: Backward in which that hook ran last.
    told_in: int | None = None

    def look(self, tensor: torch.Tensor) -> None:
        """Read shape, dtype and device (again): a lazy parameter has no shape before its module's first call."""
        self.shape = shape_of(tensor)
        self.dtype = str(tensor.dtype).removeprefix("torch.")
        self.device = str(tensor.device)

    def trained(self, seen: torch.Tensor) -> torch.Tensor:
        """Return the tensor that is trained: ``seen`` itself, or the sharded parameter that it stands in for."""
        own = self.ref()
        return seen if own is None else own


class Leaves:
    """Registry of leaves. Keys count from 0 and are never reused."""

    def __init__(self) -> None:
        self._by_id: dict[int, Leaf] = {}
        self.all: list[Leaf] = []
        #: id of a gathered parameter -> (itself, the leaf that it stands in for)
        self._stand_ins: dict[int, tuple[weakref.ref[torch.Tensor], Leaf]] = {}
        self._bare: dict[int, tuple[weakref.ref[torch.Tensor], set[int]]] = {}
        #: id of a tensor -> (itself, where it was made, key of the leaf that it was copied from)
        self._births: dict[int, tuple[weakref.ref[torch.Tensor], Site, int | None]] = {}
        self._data: dict[int, weakref.ref[torch.Tensor]] = {}
        self.on_new: Callable[[Leaf, torch.Tensor], None] | None = None

    def find(self, tensor: torch.Tensor) -> Leaf | None:
        """Return what is known of a tensor, or None."""
        leaf = self._by_id.get(id(tensor))
        if leaf is not None and leaf.ref() is tensor:
            return leaf
        if self._stand_ins:
            known = self._stand_ins.get(id(tensor))
            if known is not None and known[0]() is tensor:
                return known[1]
        return None

    def stand_in(self, gathered: torch.Tensor, sharded: torch.Tensor) -> None:
        """Let a parameter that FSDP gathers while its module runs count as the sharded one that is trained."""
        known = self._stand_ins.get(id(gathered))
        if known is not None and known[0]() is gathered:
            return
        leaf = self.add(sharded)
        stray = self._by_id.pop(id(gathered), None)
        if stray is not None and stray.ref() is gathered:
            stray.kind = "hidden"
        self._stand_ins[id(gathered)] = (weakref.ref(gathered), leaf)

    def add(self, tensor: torch.Tensor, made: Site | None = None) -> Leaf:
        """Follow a tensor from now on; return its record."""
        leaf = self.find(tensor)
        if leaf is not None:
            return leaf
        mark = id(tensor)

        def forget(ref: weakref.ref[torch.Tensor], mark: int = mark) -> None:
            current = self._by_id.get(mark)
            if current is not None and current.ref is ref:
                del self._by_id[mark]

        birth, copied = self._births.get(mark), None
        if made is None and birth is not None and birth[0]() is tensor:
            _, made, copied = birth
        leaf = Leaf(
            key=len(self.all),
            ref=weakref.ref(tensor, forget),
            shape=(),
            dtype="",
            device="",
            requires_grad=bool(tensor.requires_grad),
            made=made,
            copy_of=copied,
        )
        if mark in self._data and self._data[mark]() is tensor:
            leaf.role = "data"
        elif isinstance(tensor, torch.nn.Parameter):
            leaf.role = "weight"
        placements = getattr(tensor, "placements", None)
        if placements is not None and hasattr(tensor, "to_local"):
            leaf.placement = ", ".join(map(str, placements))
            with torch.no_grad():
                leaf.local_shape = tuple(int(n) for n in tensor.to_local().shape)
        leaf.look(tensor)
        self.all.append(leaf)
        self._by_id[mark] = leaf
        if self.on_new is not None:
            self.on_new(leaf, tensor)
        return leaf

    def used_as_data(self, tensor: torch.Tensor) -> None:
        """A module was called with a bare leaf, or the program read its gradient: it is no weight."""
        leaf = self.find(tensor)
        if leaf is not None:
            leaf.role = leaf.role or "data"
            return
        if len(self._data) > 4096:
            self._data = {mark: ref for mark, ref in self._data.items() if ref() is not None}
        self._data[id(tensor)] = weakref.ref(tensor)

    def born(self, tensor: torch.Tensor, site: Site | None, copy_of: int | None = None) -> None:
        """Remember where a tensor was made to require grad or copied, in case it turns out to be a leaf to follow."""
        if site is None or self.find(tensor) is not None:
            return
        if len(self._births) > 4096:
            self._births = {mark: known for mark, known in self._births.items() if known[0]() is not None}
        self._births[id(tensor)] = (weakref.ref(tensor), site, copy_of)

    def persists(self, tensor: torch.Tensor, backward: int) -> bool:
        """Tell whether a bare leaf was met in an earlier backward too: one of a kind, not a batch input."""
        known = self._bare.get(id(tensor))
        if known is None or known[0]() is not tensor:
            if len(self._bare) > 4096:
                self._bare.clear()
            self._bare[id(tensor)] = (weakref.ref(tensor), {backward})
            return False
        known[1].add(backward)
        return len(known[1]) > 1

    def alive(self) -> Iterator[tuple[Leaf, torch.Tensor]]:
        """Yield every leaf whose tensor still lives, with the tensor."""
        for leaf in tuple(self._by_id.values()):
            tensor = leaf.ref()
            if tensor is not None:
                yield leaf, tensor


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """Return the shape of a tensor; ``()`` for a lazy parameter that has none yet, and for a nested tensor."""
    if torch.nn.parameter.is_lazy(tensor) or tensor.is_nested:
        return ()
    return tuple(int(n) for n in tensor.shape)
