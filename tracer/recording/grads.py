"""What happens to ``.grad`` after autograd wrote it: when it is measured, cleared, assigned or changed.

Norms are taken lazily: backward only remembers which leaves accumulated. They are measured when somebody is
about to look at or change a ``.grad``, when the optimizer steps, or when the next backward starts, whichever
comes first. So an ordinary step costs one pass over the gradients, at the optimizer's door.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import GradAccumulated, GradMeasured, GradTouched
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later, together
from tracer.recording.measure import KEPT, exact_norms, is_empty, numbers, readable, summaries
from tracer.recording.places import Site, user_site_and_call
from tracer.recording.snapshots import Layout, take
from tracer.recording.torch_compat import post_accumulate_hooks, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.dark import Dark
    from tracer.recording.session import Session

Tensor = torch.Tensor
_CLEARING = ("zero_", "_foreach_zero_")


class Grads:
    """Follows the ``.grad`` of every leaf between backward and step."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.pending: dict[int, Leaf] = {}
        self.measuring = session.detail != "graph"
        self._owner: dict[int, tuple[weakref.ref[Tensor], int]] = {}
        self._memory: dict[int, int] = {}  #: address of a gradient that was read -> key of its leaf
        self._precise: set[int] = set()  #: keys of leaves whose norm came out as 0 and may be no zero
        self._early: set[int] = set()  #: told before our own hook ran
        self._replaced: Dark | None = None  #: record of the gradient that an assignment is about to replace

    def start_afresh(self, stepped: Iterable[Leaf]) -> None:
        """Steps passed unseen, the last with the gradients of these leaves: what is in ``.grad`` is theirs."""
        self.pending.clear()
        self._early.clear()
        for leaf in self.session.leaves.all:
            leaf.used = leaf.zeroed = False
        self.used_by_step(stepped)

    # ------------------------------------------------------------------ from autograd

    def accumulated(self, leaf: Leaf) -> None:
        """Post-accumulate hook: ``.grad`` of the leaf has just taken in a gradient."""
        leaf.told_in = self.session.backwards.current
        if leaf.key in self._early:
            self._early.discard(leaf.key)
            return
        self._tell(leaf)

    def _tell(self, leaf: Leaf) -> None:
        session = self.session
        backward = session.backwards.current
        stale = leaf.used and not leaf.zeroed
        session.emit(GradAccumulated(session.step, backward, leaf.key, stale))
        leaf.accumulated += 1
        if not stale:
            leaf.used = leaf.zeroed = False
        self.pending[leaf.key] = leaf

    # ------------------------------------------------------------------ from the user's program

    def is_grad(self, tensor: Tensor) -> bool:
        """Tell whether a tensor is some leaf's ``.grad``, or shares its memory (``.grad.data``, ``.grad[0]``)."""
        return self._owner_of(tensor) is not None

    def _owner_of(self, tensor: Tensor) -> Leaf | None:
        known = self._owner.get(id(tensor))
        if known is not None and known[0]() is tensor:
            return self.session.leaves.all[known[1]]
        if not self._owner or tensor.layout != torch.strided or not readable(tensor):
            return None
        with without_torch_function():
            key = self._memory.get(tensor.data_ptr())
            leaf = None if key is None else self.session.leaves.all[key]
            owner = None if leaf is None else leaf.ref()
            grad = None if owner is None else owner.grad
            if grad is None or grad.layout != torch.strided:
                return None
            return leaf if grad.data_ptr() == tensor.data_ptr() else None

    def asked(self, tensor: Tensor) -> None:
        """The program reads ``tensor.grad``, and there is none."""
        leaf = self.session.leaves.find(tensor)
        if leaf is not None:
            leaf.asked = True

    def read(self, tensor: Tensor, grad: Tensor) -> None:
        """Somebody reads ``tensor.grad``: measure first what autograd left, then follow the gradient."""
        self.session.settled.stir()
        leaf = self.session.leaves.find(tensor)
        if (leaf is None or not leaf.role) and not isinstance(tensor, torch.nn.Parameter):
            self.session.leaves.used_as_data(tensor)
        if leaf is not None and self.session.backwards.running and not self.session.in_step:
            if leaf.compared:
                self.session.accumulation.back_to_hooks()
            elif leaf.hooked:
                self._hook_reads(leaf, tensor)
        if self.pending and not self.session.in_step:
            self.measure_pending()
        if leaf is None or self.is_grad(grad):
            return
        if len(self._owner) > 20_000:
            self._owner = {k: v for k, v in self._owner.items() if v[0]() is not None}
            self._memory.clear()
        self._owner[id(grad)] = (weakref.ref(grad), leaf.key)
        if grad.layout == torch.strided and readable(grad):
            with without_torch_function():
                self._memory[grad.data_ptr()] = leaf.key
        self.session.cut_side.put_gradient(grad, None)

    def before_write(self, tensor: Tensor) -> None:
        if self.pending and not self.session.in_step:
            self.measure_pending()
        self._replaced = None if tensor.grad is None else self.session.cut_side.dark.get(tensor.grad)

    def written(self, tensor: Tensor, value: Any, site: Site | None, called: str) -> None:
        """``tensor.grad = value`` ran in the user's program or in a library that it called."""
        session = self.session
        leaf = session.leaves.find(tensor)
        if leaf is None or session.in_step:
            return
        how = "cleared" if value is None else "assigned"
        if value is None:
            leaf.used = leaf.zeroed = False
        elif self._comes_from_replaced(value):
            how = "changed"  # ``p.grad = p.grad.clamp(-1, 1)``: what had accumulated is still in it
        else:
            leaf.used = False
        session.emit(GradTouched(session.step, leaf.key, how, session.places.key(site), called))

    def _comes_from_replaced(self, value: Any) -> bool:
        """Tell whether what is assigned to ``.grad`` was computed from what stood there."""
        record = self.session.cut_side.dark.get(value) if self._replaced is not None else None
        return record is not None and any(each is self._replaced for each in record.walk())

    def mutated(self, grad: Tensor, name: str) -> None:
        """A gradient was changed in place by ``name``."""
        import sys

        session = self.session
        leaf = self._owner_of(grad)
        if leaf is None or session.in_step:
            return
        site, called = user_site_and_call(sys._getframe(4))
        if name in _CLEARING:
            leaf.zeroed = True
        how = "cleared" if name in _CLEARING else "changed"
        session.emit(GradTouched(session.step, leaf.key, how, session.places.key(site), called or name))

    def _hook_reads(self, leaf: Leaf, tensor: Tensor) -> None:
        """The user's own post-accumulate hook, put on before ours, reads ``.grad``: it has accumulated already."""
        mine = len(leaf.handles)
        told = leaf.told_in == self.session.backwards.current  # ours came first: this is no news
        if not told and leaf.key not in self._early and len(post_accumulate_hooks(tensor)) > mine:
            self._tell(leaf)
            self._early.add(leaf.key)

    # ------------------------------------------------------------------ measuring

    def measure_pending(self) -> None:
        """Measure what autograd left in ``.grad`` of the leaves that accumulated since the last time."""
        leaves = list(self.pending.values())
        self.pending.clear()
        if self.measuring:
            self.measure(leaves, "backward", None)

    def measure(self, leaves: Iterable[Leaf], when: str, optimizer: int | None) -> None:
        """Emit a ``GradMeasured`` for each leaf: norms by one fused call, one transfer for all numbers."""
        self.session.mail.post(self._measure(list(leaves), when, optimizer))

    def _measure(self, leaves: list[Leaf], when: str, optimizer: int | None) -> Later[None]:
        session, step = self.session, self.session.step
        found: list[Leaf] = []
        grads: list[Tensor] = []
        for leaf in leaves:
            tensor = leaf.ref()
            grad = None if tensor is None else tensor.grad
            if grad is None or not readable(grad):
                if tensor is not None and grad is None:
                    session.emit(GradMeasured(step, leaf.key, when, None, optimizer=optimizer))
                continue
            if not is_empty(grad):
                found.append(leaf)
                grads.append(grad)
        precise = [i for i, leaf in enumerate(found) if leaf.key in self._precise]
        works = together(summaries(grads), exact_norms([grads[i] for i in precise]), _shown(grads))
        kept = [] if session.mail.delays(grads) else grads
        grads, tensor, grad = [], None, None  # nothing of the user's is held while the numbers are on their way
        values, exact, shown = yield from works
        for i, value in zip(precise, exact, strict=True):
            values[i] = value
        # squares of small numbers underflow in float32
        empty = [i for i, (norm, share) in enumerate(values) if norm == 0.0 and share != 1.0 and i not in precise]
        if session.mail.late:
            self._precise.update(found[i].key for i in empty)  # gone by now: looked at closely from the next step on
        else:
            again = yield from exact_norms([kept[i] for i in empty])
            for i, value in zip(empty, again, strict=True):
                values[i] = value
            empty = []
        for i, leaf in enumerate(found):
            norm, share = values[i]
            finite = math.isfinite(norm)
            if not finite or norm == 0.0:
                session.alarmed = True
                if not finite and when == "step":
                    session.sampling.broken()
            if i not in empty:
                session.emit(GradMeasured(step, leaf.key, when, norm, share, finite, optimizer, shown[i]))

    def used_by_step(self, leaves: Iterable[Leaf]) -> None:
        """An optimizer stepped with these gradients; those still there afterwards are stale."""
        with without_torch_function():
            for leaf in leaves:
                tensor = leaf.ref()
                if tensor is not None and tensor.grad is not None:
                    leaf.used, leaf.zeroed = True, False


def _shown(grads: list[Tensor]) -> Later[list[object]]:
    """Return the numbers of the small gradients, None for the others; one transfer for all of them."""
    small = [i for i, grad in enumerate(grads) if grad.numel() <= KEPT and grad.layout == torch.strided]
    # what is sparse is read at once, where that waits for no device
    found = [None if grad.device.type != "cpu" or i in small else numbers(grad) for i, grad in enumerate(grads)]
    work = take([(grads[i], Layout(False)) for i in small])
    del grads
    taken = yield from work
    for i, snapshot in zip(small, taken, strict=True):
        found[i] = None if snapshot is None else snapshot.shown()
    return found
