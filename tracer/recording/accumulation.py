"""Which leaves accumulated in a backward: told by a hook on each, and once a graph comes again read off ``.grad``.

A Python hook that runs between two large operations of backward costs some 40 us. For a leaf that nobody else has
hooks on, ``.grad`` before and after tells the same: AccumulateGrad puts a gradient there, or adds to it in place.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from tracer.recording.leaves import Leaf
from tracer.recording.measure import ORDINARY
from tracer.recording.torch_compat import post_accumulate_hooks, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session

Tensor = torch.Tensor
#: What ``.grad`` was before a backward: the tensor and how often it had been written, or None.
Before = tuple[weakref.ref[Tensor], int] | None


class Accumulation:
    """Puts our hook on leaves, takes it off where ``.grad`` tells enough, and compares there."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._before: list[tuple[Leaf, Tensor, Before]] = []
        self._reading = True

    def hook(self, leaf: Leaf, tensor: Tensor) -> None:
        """Put the post-accumulate hook on a leaf, once."""
        session = self.session
        if leaf.hooked or leaf.compared or not tensor.is_leaf or not tensor.requires_grad:
            return
        leaf.hooked = True

        def accumulated(parameter: Tensor, leaf: Leaf = leaf) -> None:
            if session._running and not session.in_graph():
                session.apart(self._told, leaf, parameter)

        leaf.handles.append(tensor.register_post_accumulate_grad_hook(accumulated))  # type: ignore[no-untyped-call]

    def _told(self, leaf: Leaf, parameter: Tensor) -> None:
        """torch 2.13 runs the hook also where a custom Function gave None: nothing came, unless others cleared it."""
        if parameter.grad is None and len(post_accumulate_hooks(parameter)) == len(leaf.handles):
            return
        self.session.grads.accumulated(leaf)

    def before(self, leaves: Iterable[tuple[Leaf, Tensor]], *, known: bool) -> None:
        """A backward starts: over a ``known`` graph its leaves are compared, where nobody else has hooks on them."""
        try:
            self._take(leaves, known)
        except BaseException:
            self.back_to_hooks()
            raise

    def _take(self, leaves: Iterable[tuple[Leaf, Tensor]], known: bool) -> None:
        self._before.clear()
        if not self._reading:
            return
        for leaf, tensor in leaves:
            if not known or not self._ordinary(leaf, tensor):
                if leaf.compared:
                    leaf.compared = False
                    self.hook(leaf, tensor)
                continue
            leaf.hooked, leaf.compared = False, True
            while leaf.handles:
                leaf.handles.pop().remove()
            grad = tensor.grad
            self._before.append((leaf, tensor, None if grad is None else (weakref.ref(grad), grad._version)))

    @staticmethod
    def _ordinary(leaf: Leaf, tensor: Tensor) -> bool:
        return (
            type(tensor) in ORDINARY
            and leaf.ref() is tensor
            and tensor.layout is torch.strided
            and len(post_accumulate_hooks(tensor)) == len(leaf.handles)
        )

    def after(self) -> None:
        """The backward has ended: tell those whose ``.grad`` took something in."""
        compared, self._before = self._before, []
        for leaf, tensor, before in compared:
            grad = tensor.grad
            if grad is not None and not (before and before[0]() is grad and before[1] == grad._version):
                self.session.grads.accumulated(leaf)

    def back_to_hooks(self) -> None:
        """Comparing is not enough: a backward runs inside another or elsewhere, or a hook reads gradients."""
        if not self._reading:
            return
        self._reading = False
        with without_torch_function():
            self.after()
            for leaf, tensor in self.session.leaves.alive():
                if leaf.compared:
                    leaf.compared = False
                    self.hook(leaf, tensor)
