"""Keeps the cut side of the graph while the program runs, and finds at each backward where paths end."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tracer.events import CutFound, TermDropped
from tracer.recording.dark import Dark, DarkRecords, Lit, is_leaf, telling
from tracer.recording.kinds import KINDS, OVERWRITES, VIEWS, is_setter, mutates, name_of
from tracer.recording.places import Site, is_user_file, user_site
from tracer.recording.torch_compat import node_sequence

if TYPE_CHECKING:
    from tracer.recording.session import Session

Tensor = torch.Tensor

#: Graph nodes that consumed a dark value, at most so many remembered.
JOINED = 50_000
#: Nodes of far graphs remembered between steps.
FAR = 400_000
#: Names of nodes that only add terms of a loss together.
_SUMS = (
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Mean",
    "Sum",
    "Stack",
    "Neg",
    "View",
    "Squeeze",
    "Unsqueeze",
    "ToCopy",
    "Cat",
)


class CutSide:
    """Dark records, the graph nodes that consumed them, and the graphs behind them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.dark = DarkRecords()
        #: sequence number -> records that the node consumed
        self.lit: dict[int, list[tuple[Dark, Site | None]]] = {}
        #: sequence number -> (record, site) of scalar sums that took in a dark term
        self.terms: dict[int, tuple[Dark, Site | None]] = {}
        #: far graphs: sequence number -> keys of the next nodes; a leaf is ``-1 - key``
        self.far: dict[int, tuple[int, ...]] = {}
        self.blocks: list[Site | None] = []
        self._told: set[tuple[int, str, Site | None]] = set()
        self._told_terms: set[Site | None] = set()

    @property
    def busy(self) -> bool:
        """Whether any dark value exists that a graph node could consume."""
        dark = self.dark
        return bool(dark) or bool(dark.numbers) or bool(dark.extracted)

    # ------------------------------------------------------------------ while the program runs

    def left(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        """A call made no graph node: if it read tracked values, its result is dark."""
        name = name_of(func)
        if mutates(name, func, kwargs):
            self._wrote(func, name, args, kwargs)
            return
        sources = self._tracked(args, kwargs)
        if sources or name in ("tensor", "as_tensor", "asarray", "new_tensor", "full"):
            self._darkened(func, name, sources, args, out)

    def _darkened(self, func: Any, name: str, sources: list[Any], args: tuple[Any, ...], out: Any) -> None:
        if out is None or isinstance(out, (bool, str, torch.Size, torch.dtype, torch.device)):
            return
        # Without grad mode a view of a leaf says that it requires grad and is a leaf (seen on torch 2.13).
        bare_view = name in VIEWS and not torch.is_grad_enabled()
        if isinstance(out, Tensor) and out.requires_grad and KINDS.get(name) != "rewrap" and not bare_view:
            return  # a copy that is a leaf of its own (deepcopy), or the argument itself
        frame = sys._getframe(3)
        parents, certain = self._parents(sources), True
        if not parents:
            parents, certain = self._by_value(args), True
        if not parents and name != "full":
            parents, certain = self._by_time(args), False
        if not parents:
            return
        record = Dark(self._kind(name, out), name, user_site(frame), parents, self._block(), certain=certain)
        if args and isinstance(args[0], Tensor) and name in VIEWS:
            self._mark_alias(record, name, args[0], out)
        self._store(out, record)

    def _store(self, out: Any, record: Dark) -> None:
        if isinstance(out, Tensor):
            self.dark.put(out, record)
        elif isinstance(out, float):
            self.dark.put_number(out, record)
            self.dark.note_extraction(record, (out,))
        elif isinstance(out, np.ndarray):
            self.dark.put(out, record)
            values = tuple(float(v) for v in out.flat[:8]) if out.dtype.kind == "f" else ()
            self.dark.note_extraction(record, values)
        elif isinstance(out, int):
            self.dark.note_extraction(record, ())
        elif isinstance(out, (tuple, list)):
            if out and not isinstance(out[0], Tensor):
                floats = list(_floats(out))
                for value in floats:
                    self.dark.put_number(value, record)
                self.dark.note_extraction(record, tuple(floats[:8]))
            else:
                for item in out:
                    if isinstance(item, Tensor):
                        self._store(item, record)

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
            self._note_write(func, name, args, kwargs, site)
        records = [r for r in self._dark_arguments(args, kwargs, out) if r.parents]
        if isinstance(out, (tuple, list)) or (isinstance(out, Tensor) and not out.requires_grad):
            self._undifferentiated(name, args, kwargs, out, site)
        if not records:
            return
        for seq in range(before, min(after, before + 16)):
            self.lit.setdefault(seq, []).extend((r, site) for r in records)
        if name in ("add", "sub", "__radd__", "__rsub__", "__add__", "__sub__", "add_", "sub_", "rsub"):
            self._maybe_term(args, out, before, site)
        if len(self.lit) > JOINED:
            for seq in list(self.lit)[: JOINED // 2]:
                del self.lit[seq]

    def _undifferentiated(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, site: Site | None
    ) -> None:
        """Of several results (``topk``: values and indices) some may have no gradient."""
        outs = [t for t in out if isinstance(t, Tensor)] if isinstance(out, (tuple, list)) else [out]
        if all(t.requires_grad for t in outs):
            return
        parents = self._parents(self._tracked(args, kwargs))
        if parents:
            for t in outs:
                if not t.requires_grad:
                    self.dark.put(t, Dark(self._kind(name, t), name, site, parents))

    def _maybe_term(self, args: tuple[Any, ...], out: Any, before: int, site: Site | None) -> None:
        if not isinstance(out, Tensor) or out.numel() != 1:
            return
        for arg in args[:2]:
            record = None
            if isinstance(arg, Tensor) and arg.numel() == 1 and not arg.requires_grad:
                record = self.dark.get(arg)
            elif isinstance(arg, float):
                record = self.dark.numbers.get(arg)
            if record is not None and record.parents and not record.from_grad:
                self.terms[before] = (record, site)

    def _dark_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Iterator[Dark]:
        dark, unknown = self.dark, 0
        for thing in _flat(args, kwargs):
            if isinstance(thing, Tensor):
                record = dark.get(thing)
                if record is not None:
                    yield record
                elif dark.extracted and not thing.requires_grad and unknown < 4:
                    unknown += 1
                    yield from self._recognised(thing)
            elif type(thing) is float and thing in dark.numbers:
                yield dark.numbers[thing]
            elif isinstance(thing, np.ndarray):
                record = dark.get(thing)
                if record is not None:
                    yield record

    def _recognised(self, tensor: Tensor) -> Iterator[Dark]:
        """Find extracted numbers in a small tensor of unknown origin (``torch.Tensor(list)``)."""
        if tensor.device.type != "cpu" or not tensor.is_floating_point() or not 0 < tensor.numel() <= COMPARED:
            return
        if tensor.layout != torch.strided or type(tensor) not in (Tensor, torch.nn.Parameter):
            return
        parents = self._matching(tensor.detach().double().reshape(-1).tolist())
        if parents:
            record = Dark("rewrap", "Tensor", None, parents)
            self.dark.put(tensor, record)
            yield record

    def _matching(self, values: Iterable[float]) -> list[Dark | Lit]:
        """Return the records whose extracted numbers all appear among ``values`` (compared in float32)."""
        present = {float(np.float32(v)) for v in values}
        found: list[Dark | Lit] = []
        for record, sample in self.dark.extracted:
            known = [float(np.float32(v)) for v in sample if telling(v)]
            if known and all(v in present for v in known):
                found.append(record)
        return found

    # ------------------------------------------------------------------ writes

    def _wrote(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        frame = sys._getframe(3)
        site = user_site(frame)
        self._note_write(func, name, args, kwargs, site)
        for target, sources in _targets(func, name, args, kwargs):
            parents = self._parents(self._tracked(sources, {}))
            if not parents or not isinstance(target, Tensor):
                continue
            record = self.dark.get(target)
            if name in OVERWRITES and name != "__setitem__":
                record = None if record is None or record.alias is None else record
            kind = "data" if is_setter(func) else "copy"
            if torch.is_grad_enabled() or kind == "data":
                step = Dark(kind, name, site, parents)
            else:
                step = Dark(self._kind("copy_", target), name, site, parents, self._block())
            if record is None:
                self.dark.put(target, step, attached=True)
            else:
                record.add(step)

    def _note_write(
        self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site | None
    ) -> None:
        session = self.session
        for target, sources in _targets(func, name, args, kwargs):
            if not isinstance(target, Tensor):
                continue
            if session.grads.is_grad(target):
                session.grads.mutated(target, name)
                continue
            session.inplace.append((site, name, tuple(target.shape)))
            if session.in_step:
                continue
            leaf = session.leaves.find(target)
            key = leaf.key if leaf is not None else None
            record = self.dark.get(target)
            if key is None and record is not None:
                key = record.alias
            if key is not None:
                self._remember_write(key, name, sources, site, is_setter(func))

    def _remember_write(self, key: int, name: str, sources: Any, site: Site | None, setter: bool) -> None:
        parents = self._parents(self._tracked(sources, {}))
        from_grad = any(isinstance(p, Dark) and p.from_grad for p in parents)
        from_self = any(
            (isinstance(p, Lit) and p.leaf == key)
            or (isinstance(p, Dark) and any(isinstance(q, Lit) and q.leaf == key for r in p.walk() for q in r.parents))
            for p in parents
        )
        from_other = bool(parents) and not from_self
        replaces = name in OVERWRITES or setter
        self.session.values.written(
            key,
            site,
            replaces=replaces,
            overwrites=replaces and not from_self,
            from_grad=from_grad,
            from_other=from_other,
        )

    def _mark_alias(self, record: Dark, name: str, source: Tensor, out: Any) -> None:
        leaf = self.session.leaves.find(source)
        key = leaf.key if leaf is not None else None
        if key is None:
            known = self.dark.get(source)
            key = known.alias if known is not None else None
        if key is None or not isinstance(out, Tensor):
            return
        if name in ("data", "detach") or _storage(out) == _storage(source):
            record.alias = key

    # ------------------------------------------------------------------ grad mode, other entries

    def switched(self, on: bool, frame: FrameType | None) -> None:
        """``torch._C._set_grad_enabled`` was called: keep the line of the block that switched it off."""
        leaving, decorated = False, None
        while frame is not None and not is_user_file(frame.f_code.co_filename):
            leaving = leaving or frame.f_code.co_name == "__exit__"
            if frame.f_code.co_name == "decorate_context":
                decorated = _decorated(frame)
            frame = frame.f_back
        if leaving:
            if self.blocks:
                self.blocks.pop()
            return
        site = decorated or (None if frame is None else (frame.f_code, frame.f_lasti))
        self.blocks.append(None if on else site)
        del self.blocks[:-64]

    def entered_inference(self, frame: FrameType | None) -> None:
        self.switched(False, frame)

    def left_inference(self) -> None:
        if self.blocks:
            self.blocks.pop()

    def from_array(self, array: Any, out: Tensor, frame: FrameType | None) -> None:
        """``torch.from_numpy`` ran (it is no overridable function, so the session wraps it)."""
        parents = self._parents([array])
        certain = True
        if not parents:
            parents = self._by_value((array,))
        if not parents:
            parents, certain = self._by_time((array,)), False
        if parents:
            self.dark.put(out, Dark("numpy", "from_numpy", user_site(frame), parents, certain=certain))

    def gradients_returned(self, out: Any, site: Site | None) -> None:
        """Results of ``autograd.grad`` are gradients: values computed from them are hand-made updates."""
        for grad in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(grad, Tensor) and not grad.requires_grad:
                self.put_gradient(grad, site)

    def put_gradient(self, grad: Tensor, site: Site | None) -> None:
        if self.dark.get(grad) is None:
            record = Dark("grad", "grad", site, [])
            record.from_grad = True
            self.dark.put(grad, record)

    # ------------------------------------------------------------------ parents

    def _tracked(self, args: Any, kwargs: dict[str, Any]) -> list[Any]:
        """Return the arguments that require grad or are dark."""
        found: list[Any] = []
        dark = self.dark
        known = dark._by_id
        for thing in _flat(args, kwargs):
            if isinstance(thing, Tensor):
                if thing.requires_grad or id(thing) in known:
                    found.append(thing)
            elif (type(thing) is float and thing in dark.numbers) or (
                isinstance(thing, np.ndarray) and self._array_record(thing) is not None
            ):
                found.append(thing)
        return found

    def _parents(self, sources: Iterable[Any]) -> list[Dark | Lit]:
        parents: list[Dark | Lit] = []
        for thing in sources:
            if isinstance(thing, Tensor):
                record = self.dark.get(thing)
                if record is not None:
                    parents.append(record)
                if thing.requires_grad:
                    lit = self.reference(thing)
                    if lit is not None:
                        parents.append(lit)
            elif type(thing) is float and thing in self.dark.numbers:
                parents.append(self.dark.numbers[thing])
            elif isinstance(thing, np.ndarray):
                record = self._array_record(thing)
                if record is not None:
                    parents.append(record)
        return parents

    def _array_record(self, array: Any) -> Dark | None:
        while isinstance(array, np.ndarray):
            record = self.dark.get(array)
            if record is not None:
                return record
            array = array.base
        return None

    def _by_value(self, args: tuple[Any, ...]) -> list[Dark | Lit]:
        """Prove by equal numbers that new data came from values read out before."""
        if not self.dark.extracted or not args:
            return []
        values: list[float] = []
        for thing in args[:2]:
            if isinstance(thing, np.ndarray) and thing.dtype.kind == "f" and thing.size <= 1_000_000:
                values.extend(float(v) for v in thing.flat)
            else:
                values.extend(_floats(thing))
        return self._matching(values) if values else []

    def _by_time(self, args: tuple[Any, ...]) -> list[Dark | Lit]:
        """New data of unknown origin after values were read out since the last backward: perhaps from them."""
        if not self.dark.extracted or not args:
            return []
        data = args[0]
        site = user_site(sys._getframe(4))
        same = [r for r, _ in self.dark.extracted if site is not None and r.site is not None and r.site[0] is site[0]]
        if same and isinstance(data, (list, tuple)) and any(True for _ in _floats(data)):
            return list(same[-16:])
        unknown = (isinstance(data, np.ndarray) and data.dtype.kind == "f") or any(telling(v) for v in _floats(data))
        return [record for record, _ in self.dark.extracted[-16:]] if unknown else []

    def reference(self, tensor: Tensor) -> Lit | None:
        """Return a reference to the graph side of a tensor, walking the graph behind it once."""
        if is_leaf(tensor):
            leaf = self.session.leaves.find(tensor)
            if leaf is None and isinstance(tensor, torch.nn.Parameter):
                leaf = self.session.leaves.add(tensor)
            return None if leaf is None else Lit(None, leaf.key)
        node = tensor.grad_fn
        if node is None:
            return None
        seq = node_sequence(node)
        if seq not in self.far:
            self._walk_far(node)
        return Lit(seq, None)

    def _walk_far(self, root: Any) -> None:
        far, leaves = self.far, self.session.leaves
        stack = [root]
        while stack:
            node = stack.pop()
            seq = node_sequence(node)
            if seq in far:
                continue
            keys = []
            for next_node, _ in node.next_functions:
                if next_node is None:
                    continue
                variable = getattr(next_node, "variable", None) if not next_node.next_functions else None
                if variable is not None:
                    leaf = leaves.find(variable)
                    if leaf is None and isinstance(variable, torch.nn.Parameter):
                        leaf = leaves.add(variable)
                    if leaf is not None:
                        keys.append(-1 - leaf.key)
                else:
                    keys.append(node_sequence(next_node))
                    stack.append(next_node)
            far[seq] = tuple(keys)

    def step_ended(self) -> None:
        if len(self.far) > FAR:
            self.far.clear()

    # ------------------------------------------------------------------ kinds and blocks

    def _kind(self, name: str, out: Any) -> str:
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
            block = self._block_frame_is_checkpoint()
            return "checkpoint" if block else "no_grad"
        return kind or "other"

    def _block(self) -> Site | None:
        if torch.is_grad_enabled() and not torch.is_inference_mode_enabled():
            return None
        return next((b for b in reversed(self.blocks) if b is not None), None)

    def _block_frame_is_checkpoint(self) -> bool:
        frame: FrameType | None = sys._getframe(4)
        while frame is not None:
            if frame.f_code.co_name == "forward" and frame.f_code.co_filename.endswith("checkpoint.py"):
                return not is_user_file(frame.f_code.co_filename)
            frame = frame.f_back
        return False

    # ------------------------------------------------------------------ at backward

    def resolve(self, backward: int, seqs: list[int], names: list[str], reached: set[int]) -> None:
        """Emit a ``CutFound`` for each leaf that the graph does not reach but a dark path does.

        Args:
            seqs: sequence numbers of the graph's nodes, nearest to the root first.
            reached: keys of the leaves that the graph reaches.
        """
        session = self.session
        depth = 0
        for border, reentry in self._borders(seqs):
            for key in self._leaves_behind(border):
                leaf = session.leaves.all[key]
                told = (key, border.kind, border.site)
                if key in reached or not leaf.requires_grad or told in self._told:
                    continue
                self._told.add(told)
                session.emit(
                    CutFound(
                        session.step, backward, key, border.kind, border.op, session.places.key(border.site),
                        session.places.key(border.block), session.places.key(reentry), border.certain, depth,
                    )
                )  # fmt: skip
            depth += 1

    def _borders(self, seqs: Iterable[int]) -> Iterator[tuple[Dark, Site | None]]:
        """Yield the records at which paths leave the graph, nearest first, those behind other cuts too."""
        queue: deque[tuple[Dark, Site | None, bool]] = deque()
        seen: set[int] = set()
        walked: set[int] = set()

        def enter(seq: int, certain: bool) -> None:
            for record, site in self.lit.get(seq, ()):
                queue.append((record, site, certain))

        for seq in seqs:
            enter(seq, True)
        while queue:
            record, site, certain = queue.popleft()
            if id(record) in seen or len(seen) > 20_000:
                continue
            seen.add(id(record))
            certain = certain and record.certain
            border = False
            for parent in record.parents:
                if isinstance(parent, Dark):
                    queue.append((parent, site, certain))
                    continue
                border = True
                if parent.seq is not None:
                    for seq in self._reachable(parent.seq, walked):
                        enter(seq, certain)
            if border:
                if not certain and record.certain:
                    record = _doubtful(record)
                yield record, site

    def _reachable(self, start: int, walked: set[int]) -> Iterator[int]:
        stack = [start]
        while stack:
            seq = stack.pop()
            if seq in walked or seq < 0:
                continue
            walked.add(seq)
            yield seq
            stack.extend(self.far.get(seq, ()))

    def _leaves_behind(self, border: Dark) -> list[int]:
        keys: dict[int, None] = {}
        walked: set[int] = set()
        for parent in border.parents:
            if not isinstance(parent, Lit):
                continue
            if parent.leaf is not None:
                keys[parent.leaf] = None
                continue
            for seq in self._reachable(parent.seq or 0, walked):
                for next_key in self.far.get(seq, ()):
                    if next_key < 0:
                        keys[-1 - next_key] = None
        return list(keys)

    def resolve_terms(self, backward: int, root: int, seqs: list[int], names: list[str], edges: Any) -> None:
        """Emit a ``TermDropped`` for each dark term that was added into the root of a backward."""
        if not self.terms:
            return
        following: dict[int, list[int]] = {}
        for source, target, _ in edges:
            following.setdefault(source, []).append(target)
        stack, seen = [root], set()
        while stack:
            i = stack.pop()
            if i in seen or not names[i].startswith(_SUMS):
                continue
            seen.add(i)
            term = self.terms.get(seqs[i])
            if term is not None:
                self._tell_term(backward, *term)
            stack.extend(following.get(i, ()))

    def _tell_term(self, backward: int, record: Dark, site: Site | None) -> None:
        session = self.session
        if site in self._told_terms:
            return
        borders = [r for r in record.walk() if any(isinstance(p, Lit) for p in r.parents)]
        leaves = [key for border in borders for key in self._leaves_behind(border)]
        if not leaves:
            return
        self._told_terms.add(site)
        session.emit(
            TermDropped(
                session.step, backward, session.places.key(site), session.places.key(borders[0].site),
                borders[0].op, tuple(dict.fromkeys(leaves)),
            )
        )  # fmt: skip


#: A tensor of unknown origin is compared with extracted numbers up to this size.
COMPARED = 4096


def _doubtful(record: Dark) -> Dark:
    copy = Dark(record.kind, record.op, record.site, list(record.parents), record.block, certain=False)
    copy.alias = record.alias
    return copy


def _flat(args: Any, kwargs: dict[str, Any]) -> Iterator[Any]:
    """Yield arguments, one level of lists and tuples opened (``cat``, ``stack``, indices, foreach)."""
    for thing in args:
        if type(thing) in (list, tuple):
            yield from thing[:4096]
        else:
            yield thing
    for thing in kwargs.values():
        if type(thing) in (list, tuple):
            yield from thing[:4096]
        else:
            yield thing


def _floats(data: Any) -> Iterator[float]:
    """Yield the floats in nested lists, at most 4096, without recursion."""
    stack, count = [data], 0
    while stack and count < 4096:
        thing = stack.pop()
        if isinstance(thing, float):
            count += 1
            yield float(thing)
        elif isinstance(thing, (list, tuple)):
            stack.extend(reversed(thing[:4096]))


def _targets(
    func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield (what is written to, what it is written from) for an in-place call."""
    if kwargs.get("out") is not None:
        yield kwargs["out"], args
    elif name.startswith("_foreach_") and args and isinstance(args[0], (list, tuple)):
        others = [a for a in args[1:] if isinstance(a, (list, tuple))]
        for i, target in enumerate(args[0]):
            yield target, tuple(o[i] for o in others if i < len(o))
    elif args:
        yield args[0], tuple(args[1:]) + tuple(kwargs.values())
    elif "tensor" in kwargs:  # torch.nn.init passes everything by name
        yield kwargs["tensor"], ()


def _storage(tensor: Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return id(tensor)


def _decorated(frame: FrameType) -> Site | None:
    """Return the first line of the function that ``@torch.no_grad()`` wraps, from the wrapper's frame."""
    names = frame.f_locals
    func = names.get("func")
    code = getattr(func, "__code__", None)
    if sys.version_info < (3, 13) and sys.gettrace() is None:
        names.clear()  # a snapshot of the arguments, which would keep tensors alive
    return None if code is None else (code, -1)
