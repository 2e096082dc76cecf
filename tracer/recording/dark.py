"""The cut side of the graph: values that come from a tracked tensor but carry no gradient.

PyTorch's graph forgets them, so this keeps a sparse second record: for each such tensor (NumPy array,
Python number) the function that made it, the line and what it came from. ``borders.py`` walks it backwards.
Everything is held weakly; a record lives as long as its tensor or a record that came from it.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch

from tracer.recording.places import Site

#: How many Python numbers and NumPy fingerprints are remembered.
NUMBERS = 8192
#: Chains of records longer than this are flattened to their origins.
DEPTH = 128


class Lit:
    """A reference to the graph side: a node by sequence number, or a leaf by key."""

    __slots__ = ("leaf", "seq")

    def __init__(self, seq: int | None, leaf: int | None) -> None:
        self.seq = seq
        self.leaf = leaf


class Dark:
    """One value without a gradient, and what it came from."""

    __slots__ = ("alias", "block", "certain", "depth", "from_grad", "kind", "op", "parents", "site")

    def __init__(
        self,
        kind: str,
        op: str,
        site: Site | None,
        parents: list[Dark | Lit],
        block: Site | None = None,
        *,
        certain: bool = True,
    ) -> None:
        self.kind = kind
        self.op = op
        self.site = site
        self.parents = parents
        self.block = block
        self.certain = certain
        self.from_grad: bool = any(isinstance(p, Dark) and p.from_grad for p in parents)
        #: leaf key when this shares storage with a leaf (``.data``, ``.detach()`` and views of them)
        self.alias: int | None = None
        self.depth: int = 1 + max((p.depth for p in parents if isinstance(p, Dark)), default=0)
        if self.depth > DEPTH:
            self.flatten()

    def add(self, parent: Dark | Lit) -> None:
        """Let the value also come from ``parent``; a repeated one is not stored twice.

        The same call on another turn of a loop joins the record that is there: what is new behind it is
        added to what is behind that one, step by step, no further than 16 records.
        """
        work: list[tuple[Dark, Dark | Lit]] = [(self, parent)]
        for into, new in work:  # grows while it is read
            twin = into._known(new)
            if twin is None:
                into._append(new)
            elif isinstance(twin, Dark) and isinstance(new, Dark) and twin is not new and len(work) < 16:
                work.extend((twin, older) for older in new.parents if older is not self and older is not twin)

    def _known(self, parent: Dark | Lit) -> Dark | Lit | None:
        for known in self.parents:
            if known is parent:
                return known
            if isinstance(known, Lit) and isinstance(parent, Lit):
                if known.leaf == parent.leaf and (known.leaf is not None or known.seq == parent.seq):
                    return known
            elif isinstance(known, Dark) and isinstance(parent, Dark) and known.same_step(parent):
                return known
        return None

    def _append(self, parent: Dark | Lit) -> None:
        if len(self.parents) < 64:
            self.parents.append(parent)
        if isinstance(parent, Dark):
            self.from_grad = self.from_grad or parent.from_grad
            self.depth = max(self.depth, parent.depth + 1)

    def same_step(self, other: Dark) -> bool:
        """Tell whether two records were made by the same call in the program (a loop's next turn)."""
        return self.site == other.site and self.op == other.op and self.kind == other.kind

    def as_doubtful(self) -> Dark:
        """Return a copy that says the link is not proved."""
        copy = Dark(self.kind, self.op, self.site, list(self.parents), self.block, certain=False)
        copy.alias = self.alias
        return copy

    def in_short(self) -> Dark:
        """Return a copy that keeps of what lies behind it only the records at which it left the graph."""
        borders: list[Dark | Lit] = []
        certain = self.certain
        for record in self.walk():
            certain = certain and record.certain
            lits: list[Dark | Lit] = [p for p in record.parents if isinstance(p, Lit)]
            if lits and record is not self and len(borders) < 64:
                border = Dark(record.kind, record.op, record.site, lits, record.block, certain=record.certain)
                border.alias = record.alias
                borders.append(border)
        own = [p for p in self.parents if isinstance(p, Lit)]
        short = Dark(self.kind, self.op, self.site, [*own, *borders], self.block, certain=certain)
        short.alias, short.from_grad = self.alias, self.from_grad
        return short

    def says_the_same(self, other: Dark) -> bool:
        """Tell whether two short records name the same steps, nodes and leaves."""
        return self._said() == other._said()

    def _said(self) -> list[tuple[object, ...]]:
        said: list[tuple[object, ...]] = [(self.kind, self.op, self.site, self.block, self.certain)]
        for parent in self.parents:
            if isinstance(parent, Lit):
                said.append((parent.leaf, parent.seq))
            else:
                said.extend(parent._said())
        return said

    def flatten(self) -> None:
        """Replace the chain behind this record by the records at which it left the graph."""
        borders: dict[tuple[str, Site | None], Dark] = {}
        for record in self.walk():
            if any(isinstance(p, Lit) for p in record.parents) and record is not self:
                borders[record.kind, record.site] = record
        own = [p for p in self.parents if isinstance(p, Lit)]
        kept = list(borders.values())[-64:]
        for record in kept:
            record.parents = [p for p in record.parents if isinstance(p, Lit)]
            record.depth = 1
        self.parents = [*own, *kept]
        self.depth = 2

    def walk(self) -> Iterator[Dark]:
        """Yield this record and all that it came from, nearest first."""
        seen = {id(self)}
        queue: list[Dark] = [self]
        for record in queue:  # grows while it is read
            yield record
            for parent in record.parents:
                if isinstance(parent, Dark) and id(parent) not in seen:
                    seen.add(id(parent))
                    queue.append(parent)


class DarkRecords:
    """Weak map from tensors and arrays to their records; numbers as objects and by value."""

    def __init__(self) -> None:
        self._by_id: dict[int, tuple[weakref.ref[Any], Dark, bool]] = {}
        self.numbers: OrderedDict[float, Dark] = OrderedDict()
        #: id of a number's object -> (the object, held so that the id stays its own; its record)
        self._objects: OrderedDict[int, tuple[float, Dark]] = OrderedDict()
        #: extractions since the last backward: (record, sample of values)
        self.extracted: list[tuple[Dark, tuple[float, ...]]] = []

    def __bool__(self) -> bool:
        return bool(self._by_id) or bool(self._objects)

    def get(self, thing: Any) -> Dark | None:
        """Return the record of a tensor or array, or None."""
        found = self._by_id.get(id(thing))
        if found is None or found[0]() is not thing:
            return None
        if not found[2] and isinstance(thing, torch.Tensor) and thing.requires_grad and not is_leaf(thing):
            # A custom Function made it without a graph inside its forward and gave it one afterwards.
            del self._by_id[id(thing)]
            return None
        return found[1]

    def alias_of(self, thing: Any) -> int | None:
        """Return the key of the leaf whose memory a tensor shares, also when the tensor has a graph by now."""
        found = self._by_id.get(id(thing))
        return found[1].alias if found is not None and found[0]() is thing else None

    def put(self, thing: Any, record: Dark, *, attached: bool = False) -> None:
        """Remember where ``thing`` came from. ``attached``: it may require grad and still hold dark parts."""
        mark = id(thing)
        store = self._by_id

        def forget(ref: weakref.ref[Any], mark: int = mark) -> None:
            known = store.get(mark)
            if known is not None and known[0] is ref:
                del store[mark]

        store[mark] = (weakref.ref(thing, forget), record, attached)

    def put_number(self, value: float, record: Dark) -> None:
        """Remember a Python number as the object that it is, and by its value when that is telling."""
        self._objects[id(value)] = (value, record)
        if len(self._objects) > NUMBERS:
            self._objects.popitem(last=False)
        if telling(value):
            self.numbers[value] = record
            if len(self.numbers) > NUMBERS:
                self.numbers.popitem(last=False)

    def number(self, value: object) -> Dark | None:
        """Return the record of a float that was read out: the same object, or an equal telling value."""
        if not isinstance(value, float):  # NumPy's float64 is one too
            return None
        known = self._objects.get(id(value))
        return self.numbers.get(value) if known is None else known[1]

    def note_extraction(self, record: Dark, values: tuple[float, ...]) -> None:
        if len(self.extracted) < 4096:
            self.extracted.append((record, values))

    def forget_extractions(self) -> None:
        self.extracted.clear()


def telling(value: object) -> bool:
    """Tell whether a number has enough digits to be recognised again: 0.1234567, not 0.5 or 3."""
    if not isinstance(value, float) or not -1e12 < value < 1e12:
        return False
    return value * 1024 != int(value * 1024)


def is_leaf(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is a leaf; a view made without grad mode of a tensor changed since cannot say."""
    try:
        return bool(tensor.is_leaf)
    except RuntimeError:
        return True


def grad_fn_of(tensor: torch.Tensor) -> Any:
    """Return the node of a tensor; None for a leaf, and for a view that cannot say (see ``is_leaf``)."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def leaves_near(tensor: torch.Tensor) -> list[torch.Tensor]:
    """Return a leaf itself, or those that a tensor was made of in at most two operations."""
    node = grad_fn_of(tensor)
    if node is None:
        return [tensor]
    nodes = [node, *(n for n, _ in node.next_functions if n is not None)]
    after = [n for each in nodes for n, _ in each.next_functions if n is not None]
    return [variable for n in after if (variable := getattr(n, "variable", None)) is not None]
