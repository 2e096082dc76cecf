"""In-place calls: values written into tensors without a gradient, into parameters and into ``.grad``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import UpdateComputed
from tracer.recording.arguments import targets
from tracer.recording.dark import Dark, Lit
from tracer.recording.kinds import BOUNDS, OVERWRITES, SUMS, is_setter, mutates, name_of
from tracer.recording.leaves import shape_of
from tracer.recording.places import Site, user_site
from tracer.recording.shared_memory import SharedMemory
from tracer.recording.torch_compat import sequence_number

if TYPE_CHECKING:
    from tracer.recording.cuts import CutSide


class Writes:
    """Tells the dark records, the values and the gradients what an in-place call wrote."""

    def __init__(self, side: CutSide) -> None:
        self.side = side
        self.shared = SharedMemory()
        self._told: set[tuple[int, Site | None]] = set()

    def without_graph(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An in-place call made no graph node: its target is dark if it was written from a tracked value."""
        side = self.side
        site = user_site(sys._getframe(2))
        self.note(func, name, args, kwargs, site)
        for target, sources in targets(name, args, kwargs):
            parents = side.parents(side.tracked(sources, {}))
            self._behind(target, name, site, parents)
            if not parents or not isinstance(target, torch.Tensor) or self._only_itself(target, parents):
                continue
            record = side.dark.get(target)
            if name in OVERWRITES and name != "__setitem__":
                record = None if record is None or record.alias is None else record
            kind = "data" if is_setter(func) else "copy"
            if torch.is_grad_enabled() or kind == "data":
                step = Dark(kind, name, site, parents)
            else:
                step = Dark(side.kind("copy_", target), name, site, parents, side.grad_mode.block())
            if record is None:
                side.dark.put(target, step, attached=True)
            else:
                record.add(step)
                self._into_leaf(record.alias, step)

    def with_graph(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site | None) -> None:
        """An in-place call made a graph node: on ``weight.data`` the node is lost, and the leaf holds the value."""
        side = self.side
        for target, sources in targets(name, args, kwargs):
            alias = side.dark.alias_of(target)
            if alias is not None and side.session.leaves.find(target) is None:
                self._into_leaf(alias, Dark("copy", name, site, side.parents(side.tracked(sources, {}))))

    def through_memory(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site | None) -> None:
        """A call made graph nodes: written through ``x.data`` they belong to a temporary tensor, and not to ``x``."""
        name = name_of(func)
        if not mutates(name, func, kwargs):
            return
        for target, sources in targets(name, args, kwargs):
            if self.shared.source(target) is not None:
                self._behind(target, name, site, self.side.parents(self.side.tracked(sources, {})))

    def _behind(self, target: Any, name: str, site: Site | None, parents: list[Dark | Lit]) -> None:
        """Let the plain tensor that shares its memory with ``target`` know what was written into it."""
        source = self.shared.source(target)
        if source is None or not parents or source.requires_grad:
            return
        step, record = Dark("data", name, site, list(parents)), self.side.dark.get(source)
        if record is None:
            self.side.dark.put(source, step, attached=True)
        else:
            record.add(step)

    def _into_leaf(self, alias: int | None, step: Dark) -> None:
        """A computed value was written into the memory of a leaf (``weight.data.copy_(w)``): the leaf holds it."""
        if alias is None or not any(isinstance(p, Lit) and p.seq is not None for p in _origins(step)):
            return
        tensor = self.side.session.leaves.all[alias].ref()
        if tensor is not None:
            self.side.dark.put(tensor, step, attached=True)

    def _only_itself(self, target: torch.Tensor, parents: list[Dark | Lit]) -> bool:
        """Tell whether a leaf is given what came from itself alone, as ``module.to`` and weight scaling do."""
        leaf = self.side.session.leaves.find(target)
        if leaf is None:
            return False
        lits = [p for parent in parents for p in _origins(parent) if isinstance(p, Lit)]
        return bool(lits) and all(lit.leaf == leaf.key for lit in lits)

    def note(self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], site: Site | None) -> None:
        """Remember an in-place call: on a gradient, on the value of a leaf, or for PyTorch's own complaint."""
        session = self.side.session
        for target, sources in targets(name, args, kwargs):
            if not isinstance(target, torch.Tensor):
                continue
            if session.grads.is_grad(target):
                session.grads.mutated(target, name)
                continue
            session.inplace.append((site, name, shape_of(target), sequence_number()))
            if session.in_step:
                continue
            leaf = session.leaves.find(target)
            key = leaf.key if leaf is not None else None
            if key is None:
                key = self.side.dark.alias_of(target)
            if key is not None:
                self._of_leaf(key, name, sources, site, is_setter(func))

    def _of_leaf(self, key: int, name: str, sources: Any, site: Site | None, setter: bool) -> None:
        side = self.side
        parents = side.parents(side.tracked(sources, {}))
        from_grad, behind = self._origin(parents)
        from_self = key in behind
        replaces = name in OVERWRITES or setter
        side.session.values.written(
            key,
            site,
            replaces=replaces,
            overwrites=replaces and not from_self,
            from_grad=from_grad,
            from_other=bool(parents) and not from_self,
            bounds=any(word.rstrip("_") in BOUNDS for word in (name, *(p.op for p in parents if isinstance(p, Dark)))),
        )

    def updated(self, name: str, sources: Iterable[Any], site: Site | None) -> None:
        """A call took in something that comes from a gradient: with a leaf it gives a new value for that leaf."""
        session = self.side.session
        if name not in SUMS or session.in_step:
            return
        for thing in sources:
            leaf = session.leaves.find(thing) if isinstance(thing, torch.Tensor) else None
            if leaf is not None and not leaf.owned and (leaf.key, site) not in self._told:
                self._told.add((leaf.key, site))
                session.emit(UpdateComputed(session.step, leaf.key, session.places.key(site)))

    def _origin(self, parents: list[Dark | Lit]) -> tuple[bool, set[int]]:
        """Return whether a gradient is behind a value that is written, and the leaves that are behind it."""
        far, lit = self.side.far, self.side.joins.lit
        from_grad, keys, walked, seen = False, set[int](), set[int](), set[int]()
        queue = list(parents)
        for parent in queue:  # grows while it is read
            if isinstance(parent, Dark):
                if id(parent) not in seen:
                    seen.add(id(parent))
                    from_grad = from_grad or parent.from_grad
                    queue.extend(parent.parents)
            elif parent.leaf is not None:
                keys.add(parent.leaf)
            elif parent.seq is not None:
                for seq in far.reachable(parent.seq, walked):
                    keys.update(-1 - edge for edge in far.edges.get(seq, ()) if edge < 0)
                    queue.extend(record for record, _ in lit.get(seq, ()))
        return from_grad, keys


def _origins(step: Dark | Lit) -> Iterator[Dark | Lit]:
    """Yield a reference itself, or all that lies behind a record."""
    if isinstance(step, Lit):
        yield step
        return
    for record in step.walk():
        yield from record.parents
