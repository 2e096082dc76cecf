"""Calls that made graph nodes while dark values exist: which nodes took them in, which results stayed dark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tracer.recording.arguments import flat
from tracer.recording.dark import Dark
from tracer.recording.kinds import SUMS, mutates, name_of
from tracer.recording.places import Site, line_of

if TYPE_CHECKING:
    from tracer.recording.cuts import CutSide

Tensor = torch.Tensor

#: Graph nodes that consumed a dark value, at most so many remembered.
JOINED = 50_000


class Joins:
    """The places where dark values enter the graph again, by sequence number of the node."""

    def __init__(self, side: CutSide) -> None:
        self.side = side
        #: sequence number -> records that the node consumed
        self.lit: dict[int, list[tuple[Dark, Site | None]]] = {}
        #: sequence number -> (record, site) of scalar sums that took in a dark term
        self.terms: dict[int, tuple[Dark, Site | None]] = {}

    def joined(
        self,
        func: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        out: Any,
        before: int,
        after: int,
        site: Site | None,
    ) -> None:
        """A call made graph nodes: remember which dark values they consumed."""
        name = name_of(func)
        writes = mutates(name, func, kwargs)
        if writes:
            self.side.writes.with_graph(name, args, kwargs, site)
            self.side.writes.note(func, name, args, kwargs, site)
        consumed = list(self._dark_arguments(args, kwargs))
        if any(r.from_grad for r in consumed):
            self.side.writes.updated(name, args, site)
        records = [r for r in consumed if r.parents]
        records += self.side.recognition.by_source(site, sys._getframe(2))
        if isinstance(out, (tuple, list)) or (isinstance(out, Tensor) and not out.requires_grad):
            self._undifferentiated(name, args, kwargs, out, site, custom=isinstance(func, type))
        if not records:
            return
        for seq in range(before, min(after, before + 16)):
            self.lit.setdefault(seq, []).extend((r, site) for r in records)
        if name in SUMS:
            self._maybe_term(args, out, before, site, records)
        if len(self.lit) > JOINED:
            for seq in list(self.lit)[: JOINED // 2]:
                del self.lit[seq]

    def _undifferentiated(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, site: Site | None, *, custom: bool
    ) -> None:
        """Of several results (``topk``: values and indices) some may have no gradient."""
        outs = [t for t in out if isinstance(t, Tensor)] if isinstance(out, (tuple, list)) else [out]
        if all(t.requires_grad for t in outs):
            return
        parents = self.side.parents(self.side.tracked(args, kwargs))
        if parents:
            for t in outs:
                if not t.requires_grad:
                    kind = "marked" if custom else self.side.kind(name, t)
                    self.side.dark.put(t, Dark(kind, name, site, parents))

    def _maybe_term(self, args: tuple[Any, ...], out: Any, before: int, site: Site | None, records: list[Dark]) -> None:
        if not isinstance(out, Tensor) or out.numel() != 1:
            return
        for arg in args[:2]:
            record = None
            if isinstance(arg, Tensor) and arg.numel() == 1 and not arg.requires_grad:
                record = self.side.dark.get(arg)
            else:
                record = self.side.dark.number(arg)
                if record is None and isinstance(arg, float) and _same_line(site, *(r.site for r in records)):
                    record = records[0]  # ``+ 0.1 * float(reg)``: computed from a number that is read out right there
            if record is not None and record.parents and not record.from_grad:
                self.terms[before] = (record, site)

    def _dark_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Dark]:
        dark, unknown = self.side.dark, 0
        for thing in flat(args, kwargs):
            record = None
            if isinstance(thing, Tensor):
                record = dark.get(thing)
                if record is None and dark.extracted and not thing.requires_grad and unknown < 4:
                    unknown += 1
                    record = self.side.recognition.in_tensor(thing)
            else:
                record = dark.get(thing) if isinstance(thing, np.ndarray) else dark.number(thing)
            if record is not None:
                yield record


def _same_line(here: Site | None, *others: Site | None) -> bool:
    """Tell whether the one other site that there is stands on the same line."""
    other = others[0] if len(others) == 1 else None
    return here is not None and other is not None and here[0] is other[0] and line_of(here) == line_of(other)
