"""``zero_grad`` of optimizers and modules: told at once, instead of by two reads and a write per parameter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import GradTouched
from tracer.recording.leaves import Leaf
from tracer.recording.places import user_site_and_call
from tracer.recording.torch_compat import is_compiling, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session


#: A followed parameter, and how often its gradient had been written.
Held = tuple[Leaf, torch.Tensor, int]


class Clearing:
    """Sees what a ``zero_grad`` clears while the function mode stands aside."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def patches(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return (owner, name, replacement)."""
        owners = (torch.optim.Optimizer, torch.nn.Module)
        return [(owner, "zero_grad", self._wrap(owner.zero_grad)) for owner in owners]

    def _wrap(self, clear: Callable[..., Any]) -> Callable[..., Any]:
        def cleared(owner: Any, *args: Any, **kwargs: Any) -> Any:
            session = self.session
            if is_compiling() or session.in_step or session.mode.quiet or not session.here():
                return clear(owner, *args, **kwargs)
            held = session.guard(self._held, owner) or []
            session.guard(session.mode.rest)
            try:
                return clear(owner, *args, **kwargs)
            finally:
                session.guard(session.mode.wake)
                session.guard(self._tell, held, sys._getframe(1))

        return cleared

    def _held(self, owner: Any) -> list[Held]:
        """Return the followed parameters that have a gradient, after measuring what autograd left in it."""
        session = self.session
        session.settled.stir()
        if session.grads.pending:
            session.grads.measure_pending()
        with without_torch_function():
            if isinstance(owner, torch.nn.Module):
                parameters = list(owner.parameters())
            else:
                parameters = [p for group in owner.param_groups for p in group["params"]]
            held: list[Held] = []
            for parameter in parameters:
                leaf, grad = session.leaves.find(parameter), parameter.grad
                if leaf is not None and grad is None:
                    leaf.asked = True
                elif leaf is not None and grad is not None:
                    held.append((leaf, parameter, grad._version))
            return held

    def _tell(self, held: list[Held], frame: FrameType | None) -> None:
        session = self.session
        site, called = user_site_and_call(frame)
        place = session.places.key(site) if held else None
        with without_torch_function():
            for leaf, parameter, version in held:
                grad = parameter.grad
                if grad is None:
                    leaf.used = leaf.zeroed = False
                elif grad._version != version:
                    leaf.zeroed = True
                else:
                    continue
                session.emit(GradTouched(session.step, leaf.key, "cleared", place, called or "zero_grad"))
