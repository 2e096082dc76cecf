"""The user's backward hooks on modules: where they were registered, and which of them turned a gradient to zero.

PyTorch runs such a hook at a ``BackwardHookFunction`` node that it puts around the module's call. What flows
into that node and what flows out of it are measured like those of any other node.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import HookRan
from tracer.recording.places import Site, user_site

if TYPE_CHECKING:
    from tracer.recording.nodes import Walk
    from tracer.recording.session import Session

_NAMES = ("register_full_backward_hook", "register_full_backward_pre_hook", "register_backward_hook")
_NODE = "BackwardHookFunctionBackward"


class ModuleHooks:
    """Remembers the user's backward hooks by module."""

    def __init__(self, session: Session) -> None:
        self.session = session
        #: key of a module -> (registered at, hook's code)
        self._of: dict[int, tuple[Site | None, Site | None]] = {}

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return (owner, name, replacement) for the calls that register them."""
        owner = torch.nn.Module
        return [(owner, name, self._wrap(getattr(owner, name))) for name in _NAMES if hasattr(owner, name)]

    def _wrap(self, register: Callable[..., Any]) -> Callable[..., Any]:
        def registering(module: torch.nn.Module, hook: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            if self.session.here():
                self.session.guard(self._note, module, hook, user_site(sys._getframe(1)))
            return register(module, hook, *args, **kwargs)

        return registering

    def _note(self, module: torch.nn.Module, hook: Callable[..., Any], site: Site | None) -> None:
        called = hook if hasattr(hook, "__code__") else vars(type(hook)).get("__call__")
        code = getattr(getattr(called, "__func__", called), "__code__", None)
        self._of[self.session.modules.info(module).key] = (site, None if code is None else (code, -1))

    def backward_ended(
        self,
        step: int,
        backward: int,
        walk: Walk,
        norms: list[float | None],
        culprits: tuple[tuple[int, str], ...],
        below: Callable[[int], Iterable[int]],
    ) -> None:
        """Tell which module's hook took a gradient that was good and gave zeros, for the leaves below."""
        if not self._of:
            return
        session = self.session
        for node, kind in culprits:
            if kind not in ("zero", "none") or not walk.names[node].startswith(_NODE):
                continue
            sites = self._at(walk.seqs[node])
            if sites is None:
                continue
            for leaf in below(node):
                session.emit(
                    HookRan(
                        step, backward, leaf, norms[node], 0.0,
                        session.places.key(sites[0]), session.places.key(sites[1]),
                    )
                )  # fmt: skip

    def _at(self, seq: int) -> tuple[Site | None, Site | None] | None:
        """Return the hook of the innermost call that holds a node, or that has just ended when it was made."""
        calls = [c for c in self.session.origins.called if c[2] in self._of and c[0] <= seq <= c[1] + 1]
        return self._of[min(calls, key=lambda c: c[1] - c[0])[2]] if calls else None
