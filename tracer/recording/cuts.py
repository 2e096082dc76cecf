"""Keeps the cut side of the graph while the program runs: which results are dark, and what they came from."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tracer.recording.arguments import flat, floats, storage
from tracer.recording.borders import Borders
from tracer.recording.dark import Dark, DarkRecords, Lit, is_leaf
from tracer.recording.far_graph import FarGraph
from tracer.recording.grad_mode import GradMode, in_checkpoint
from tracer.recording.joins import Joins
from tracer.recording.kinds import KINDS, SHAPED_LIKE, VIEWS, mutates, name_of
from tracer.recording.places import Site, user_site
from tracer.recording.recognition import Recognition
from tracer.recording.writes import Writes

if TYPE_CHECKING:
    from tracer.recording.session import Session

Tensor = torch.Tensor


class CutSide:
    """Makes a dark record for each result without a gradient that comes from a tracked value."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dark = DarkRecords()
        self.far = FarGraph(session.leaves)
        self.grad_mode = GradMode()
        self.recognition = Recognition(self.dark)
        self.writes = Writes(self)
        self.joins = Joins(self)
        self.borders = Borders(self)

    @property
    def busy(self) -> bool:
        """Whether any dark value exists that a graph node could consume."""
        dark = self.dark
        return bool(dark) or bool(self.recognition.readings)

    # ------------------------------------------------------------------ calls that made no graph node

    def left(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        """A call made no graph node: if it read tracked values, its result is dark."""
        name = name_of(func)
        if mutates(name, func, kwargs):
            self.writes.without_graph(func, name, args, kwargs)
            return
        sources = self.tracked(args[1:] if name in SHAPED_LIKE else args, kwargs)
        if not sources and name in ("data", "detach") and args:
            self.writes.shared.taken(args[0], out)
        if sources or name in ("tensor", "as_tensor", "asarray", "new_tensor", "full"):
            self._darkened(name, sources, args, out)

    def _darkened(self, name: str, sources: list[Any], args: tuple[Any, ...], out: Any) -> None:
        if out is None or isinstance(out, (bool, str, torch.Size, torch.dtype, torch.device)):
            return
        # Without grad mode a view of a leaf says that it requires grad and is a leaf (seen on torch 2.13).
        bare_view = name in VIEWS and not torch.is_grad_enabled()
        if isinstance(out, Tensor) and out.requires_grad and KINDS.get(name) != "rewrap" and not bare_view:
            return  # a copy that is a leaf of its own (deepcopy), or the argument itself
        parents, certain = self.parents(sources), True
        if not parents:
            parents, certain = self.recognition.by_value(args), True
        frame = sys._getframe(3)
        site = user_site(frame)
        if not parents:
            parents, certain = list(self.recognition.by_source(site, frame)), False
        if not parents and name != "full":
            parents, certain = self.recognition.by_time(args), False
        if not parents:
            return
        block = self.grad_mode.block()
        record = Dark(self.kind(name, out), name, site, parents, block, certain=certain)
        if record.from_grad:
            self.writes.updated(name, sources, site)
        if args and isinstance(args[0], Tensor) and name in VIEWS:
            self._mark_alias(record, name, args[0], out)
        self._store(out, record, frame)

    def _store(self, out: Any, record: Dark, frame: FrameType | None) -> None:
        if isinstance(out, Tensor):
            self.dark.put(out, record)
        elif isinstance(out, float):
            self.dark.put_number(out, self.recognition.read_out(record, (out,), frame))
        elif isinstance(out, np.ndarray):
            values = tuple(float(v) for v in out.flat[:8]) if out.dtype.kind == "f" else ()
            self.dark.put(out, self.recognition.read_out(record, values, frame))
            if record.alias is None:
                self.recognition.keep(out, record)
        elif isinstance(out, int):
            self.recognition.read_out(record, (), frame)
        elif isinstance(out, (tuple, list)):
            if out and not isinstance(out[0], Tensor):
                numbers = list(floats(out))
                kept = self.recognition.read_out(record, tuple(numbers[:8]), frame)
                for value in numbers:
                    self.dark.put_number(value, kept)
            else:
                for item in out:
                    if isinstance(item, Tensor):
                        self._store(item, record, frame)

    def _mark_alias(self, record: Dark, name: str, source: Tensor, out: Any) -> None:
        leaf = self.session.leaves.find(source)
        key = leaf.key if leaf is not None else None
        if key is None:
            known = self.dark.get(source)
            key = known.alias if known is not None else None
        if key is None or not isinstance(out, Tensor):
            return
        if name in ("data", "detach") or storage(out) == storage(source):
            record.alias = key

    # ------------------------------------------------------------------ other entries

    def from_array(self, array: Any, out: Tensor, frame: FrameType | None) -> None:
        """``torch.from_numpy`` ran (it is no overridable function, so the session wraps it)."""
        parents = self.parents([array])
        certain = True
        if not parents:
            known = self.recognition.kept_as(array)
            parents = self.recognition.by_value((array,)) if known is None else [known]
        site = user_site(frame)
        if not parents:
            parents, certain = list(self.recognition.by_source(site, frame)), False
        if not parents:
            parents, certain = self.recognition.by_time((array,)), False
        if parents:
            self.dark.put(out, Dark("numpy", "from_numpy", site, parents, certain=certain))

    def rewrapped(self, kind: str, op: str, data: Any, out: Tensor, frame: FrameType | None) -> bool:
        """A constructor made ``out``, which has no history, from ``data``: ``nn.Parameter(x)``, ``Variable(x)``.

        Returns:
            Whether ``data`` has a history, so that this cuts it.
        """
        if out is not data and not (out.requires_grad and out.grad_fn is not None):
            parents = self.parents(self.tracked((data,), {}))
            if parents:
                self.dark.put(out, Dark(kind, op, user_site(frame), parents), attached=True)
                return True
        return False

    def history_of(self, tensor: Tensor) -> list[Dark | Lit]:
        """Return what a computed tensor came from; nothing for a leaf and for a gradient."""
        return self.parents([tensor]) if tensor.requires_grad and not is_leaf(tensor) else []

    def detached_in_place(self, tensor: Tensor, history: list[Dark | Lit], site: Site | None) -> None:
        """``tensor.detach_()`` ran: the tensor is the same object, and its history is gone."""
        self.dark.put(tensor, Dark("detach", "detach_", site, history))

    def gradients_returned(self, out: Any, site: Site | None) -> None:
        """Results of ``autograd.grad`` are gradients: values computed from them are hand-made updates."""
        for grad in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(grad, Tensor) and not grad.requires_grad:
                self.put_gradient(grad, site)

    def put_gradient(self, grad: Tensor, site: Site | None) -> None:
        """Remember a gradient; it has no parents, and what is computed from it is no cut."""
        if self.dark.get(grad) is None:
            record = Dark("grad", "grad", site, [])
            record.from_grad = True
            self.dark.put(grad, record)

    # ------------------------------------------------------------------ what a value came from

    def tracked(self, args: Any, kwargs: dict[str, Any]) -> list[Any]:
        """Return the arguments that require grad or are dark."""
        found: list[Any] = []
        known = self.dark._by_id
        for thing in flat(args, kwargs):
            if isinstance(thing, Tensor):
                if thing.requires_grad or id(thing) in known:
                    found.append(thing)
            elif self._value_record(thing) is not None:
                found.append(thing)
        return found

    def parents(self, sources: Iterable[Any]) -> list[Dark | Lit]:
        """Return the records and graph references behind tracked values."""
        parents: list[Dark | Lit] = []
        for thing in sources:
            record: Dark | Lit | None = None
            if isinstance(thing, Tensor):
                record = self.dark.get(thing)
                if thing.requires_grad:
                    lit = self.far.reference(thing)
                    parents += [r for r in (record, lit) if r is not None]
                    continue
            else:
                record = self._value_record(thing)
            if record is not None:
                parents.append(record)
        return parents

    def _value_record(self, thing: Any) -> Dark | None:
        return self._array_record(thing) if isinstance(thing, np.ndarray) else self.dark.number(thing)

    def _array_record(self, array: Any) -> Dark | None:
        while isinstance(array, np.ndarray):
            record = self.dark.get(array)
            if record is not None:
                return record
            array = array.base
        return None

    def kind(self, name: str, out: Any) -> str:
        """Return the kind of cut that a call is, in the present grad mode."""
        if name == "data":
            return "data"
        kind = KINDS.get(name)
        if kind in ("detach", "item", "numpy", "rewrap"):
            return kind
        if isinstance(out, Tensor) and not out.is_floating_point() and not out.is_complex():
            return kind or ("cast" if name in ("to", "type", "type_as") else "index")
        if torch.is_inference_mode_enabled():
            return "inference_mode"
        if not torch.is_grad_enabled():
            return "checkpoint" if in_checkpoint(sys._getframe(2)) else "no_grad"
        return kind or "other"
