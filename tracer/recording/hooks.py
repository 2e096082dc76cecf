"""The user's own gradient hooks: where they were registered, and what they did to a gradient."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import HookRan
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later
from tracer.recording.measure import fetch, norm, readable
from tracer.recording.places import Site
from tracer.recording.torch_compat import backward_hooks, node_sequence, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session


#: Gives the keys of the leaves that a node's gradient flows on to.
Below = Callable[[int], Iterable[int]]


class UserHooks:
    """Measures a leaf's gradient before the user's first hook and after the last."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._sites: dict[int, tuple[Site | None, Site | None]] = {}
        #: sequence number of a node whose output tensor got a hook -> (registered at, hook's code)
        self.on_nodes: dict[int, tuple[Site | None, Site | None]] = {}
        self._before: dict[int, torch.Tensor] = {}
        self._after: dict[int, torch.Tensor] = {}
        self._handles: list[Any] = []
        self._node_before: dict[int, torch.Tensor] = {}

    def registered(self, args: tuple[Any, ...], site: Site | None) -> None:
        """``tensor.register_hook(hook)`` was called by the user."""
        self.session.settled.stir()
        if len(args) < 2:
            return
        tensor, hook = args[0], args[1]
        called = hook if hasattr(hook, "__code__") else vars(type(hook)).get("__call__")
        code = getattr(called, "__code__", None)
        sites = (site, None if code is None else (code, -1))
        if tensor.is_leaf:
            self._sites[self.session.leaves.add(tensor).key] = sites
        elif tensor.grad_fn is not None:
            if len(self.on_nodes) > 10_000:
                self.on_nodes.clear()
            seq = node_sequence(tensor.grad_fn)
            if seq not in self.on_nodes and self.session.detail != "graph":
                self._arm_node(tensor, seq)
            self.on_nodes[seq] = sites

    def _arm_node(self, tensor: torch.Tensor, seq: int) -> None:
        """Put our own hook before the user's first one on a computed tensor; it is removed after the backward."""

        def first(grad: torch.Tensor) -> None:
            if readable(grad) and not self.session.in_graph():
                with without_torch_function(), torch.no_grad():
                    self._node_before[seq] = norm(grad)

        with without_torch_function():
            self._handles.append(tensor.register_hook(self.session.safely(first)))  # type: ignore[no-untyped-call]

    def node_norms(self, seqs: list[int]) -> tuple[dict[int, int], Later[list[float]]]:
        """Return sequence number and index of the nodes with hooks in the last backward, and the norms before those."""
        index = {seq: i for i, seq in enumerate(seqs) if seq in self._node_before}
        befores = [self._node_before[seq] for seq in index]
        self._node_before.clear()
        return index, fetch(befores)

    def nodes_ended(
        self,
        step: int,
        backward: int,
        index: dict[int, int],
        befores: list[float],
        norms: list[float | None],
        below: Below,
    ) -> None:
        """Tell which of the user's hooks on computed tensors turned a gradient to zero, for the leaves below."""
        session = self.session
        for (seq, i), before in zip(index.items(), befores, strict=True):
            after = norms[i]
            if before and after == 0.0 and seq in self.on_nodes:
                site, code = self.on_nodes[seq]
                for leaf in below(i):
                    session.emit(
                        HookRan(step, backward, leaf, before, after, session.places.key(site), session.places.key(code))
                    )

    def arm(self, leaf: Leaf, tensor: torch.Tensor) -> bool:
        """Before a backward: put our own hook first on a leaf that has hooks of the user's.

        Returns:
            Whether the leaf has hooks, so that what comes out of them is worth measuring.
        """
        with without_torch_function():
            hooks = backward_hooks(tensor)
            if not hooks:
                return False

            def first(grad: torch.Tensor, key: int = leaf.key) -> None:
                if readable(grad):
                    with without_torch_function(), torch.no_grad():
                        self._before[key] = norm(grad)

            handle = tensor.register_hook(self.session.safely(first))  # type: ignore[no-untyped-call]
            # The engine reads the dict in its own order of insertion, which ``move_to_end`` does not change. All move
            # in one call of C: another thread's backward never finds a hook of the user's missing.
            others = [key for key in hooks if key != handle.id]
            deque(map(hooks.__setitem__, others, map(hooks.pop, others)), maxlen=0)
            self._handles.append(handle)
        return True

    def passed(self, leaf: Leaf, grad: torch.Tensor | None) -> None:
        """The gradient arrived at AccumulateGrad, after the user's hooks."""
        if grad is not None and readable(grad):
            with without_torch_function(), torch.no_grad():
                self._after[leaf.key] = norm(grad)

    def disarm(self) -> None:
        """Remove our hooks."""
        while self._handles:
            self._handles.pop().remove()

    def leaf_norms(self) -> tuple[list[int], Later[list[float]]]:
        """Remove our hooks; return keys of leaves with hooks, and the norms before and after those."""
        self.disarm()
        keys = [key for key in self._before if key in self._after]
        scalars = [*(self._before[key] for key in keys), *(self._after[key] for key in keys)]
        self._before.clear()
        self._after.clear()
        return keys, fetch(scalars)

    def backward_ended(self, step: int, backward: int, keys: list[int], values: list[float]) -> None:
        """Tell which of the user's hooks changed the gradient of a leaf."""
        session = self.session
        for i, key in enumerate(keys):
            before, after = values[i], values[len(keys) + i]
            if before != after and not (before != before and after != after):
                site, code = self._sites.get(key, (None, None))
                session.emit(
                    HookRan(step, backward, key, before, after, session.places.key(site), session.places.key(code))
                )
