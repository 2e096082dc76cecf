"""Constructors that no function mode sees: ``nn.Parameter(x)``, ``Variable(x)``, ``torch.from_numpy(x)``.

Each makes a tensor without history out of one that may have some. They are wrapped while recording.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from tracer.recording.patches import Patch
from tracer.recording.places import is_user_file, user_site
from tracer.recording.torch_compat import is_compiling

if TYPE_CHECKING:
    from tracer.recording.session import Session


def patches(session: Session) -> list[Patch]:
    """Return what to replace, and with what, for as long as a session records."""
    return [_from_numpy(session), _parameter(session), *_variable(session), *_inference(session), _packing(session)]


def _from_numpy(session: Session) -> Patch:
    original = torch.from_numpy

    def from_numpy(array: Any) -> torch.Tensor:
        out = original(array)
        if not is_compiling() and session.here():
            session.apart(session.cut_side.from_array, array, out, sys._getframe(1))
            if session.plain.on:
                session.apart(session.plain.made, original, (), {}, out, sys._getframe(1))
        return out

    return torch, "from_numpy", from_numpy


def _parameter(session: Session) -> Patch:
    original = torch.nn.Parameter.__new__

    def new(cls: type, data: Any = None, requires_grad: bool = True, **more: Any) -> Any:
        out: Any = original(cls, data, requires_grad, **more)
        if data is not None and session.here():
            session.apart(_wrapped, session, data, out, sys._getframe(1))
        return out

    return torch.nn.Parameter, "__new__", staticmethod(new)


def _wrapped(session: Session, data: Any, out: Any, frame: Any) -> None:
    # Copying and unpickling call it too; only what the user's own code wraps counts as wrapped.
    if is_user_file(frame.f_code.co_filename):
        if session.cut_side.rewrapped("parameter", "Parameter", data, out, frame):
            session.leaves.used_as_data(out)  # a value of the network, and no weight
        session.leaves.born(out, user_site(frame))
    elif frame.f_code.co_name == "__deepcopy__":
        source = frame.f_locals.get("self")
        original = session.leaves.find(source) if isinstance(source, torch.Tensor) else None
        session.leaves.born(out, user_site(frame), None if original is None else original.key)


def _variable(session: Session) -> list[Patch]:
    """``Variable`` is a class whose calls go through its metaclass; a PyTorch without it has nothing to wrap."""
    meta = type(getattr(torch.autograd, "Variable", object))
    if meta is type or "__call__" in vars(meta):
        return []

    def call(cls: Any, *args: Any, **kwargs: Any) -> Any:
        out = type.__call__(cls, *args, **kwargs)
        data = args[0] if args else kwargs.get("data")
        if isinstance(data, torch.Tensor) and isinstance(out, torch.Tensor) and session.here():
            session.apart(session.cut_side.rewrapped, "rewrap", "Variable", data, out, sys._getframe(1))
        return out

    return [(meta, "__call__", call)]


def _inference(session: Session) -> list[Patch]:
    mode = torch.autograd.grad_mode.inference_mode
    enter, leave = mode.__enter__, mode.__exit__
    blocks = session.cut_side.grad_mode

    def entered(context: Any) -> Any:
        if session.here():
            session.apart(blocks.entered_inference, sys._getframe(1))
        return enter(context)

    def left(context: Any, *exc: Any) -> Any:
        if session.here():
            session.apart(blocks.left_inference)
        return leave(context, *exc)

    return [(mode, "__enter__", entered), (mode, "__exit__", left)]


def _packing(session: Session) -> Patch:
    """What the user's hooks pack for backward must not be unpacked by anybody else."""
    hooks = torch.autograd.graph.saved_tensors_hooks
    enter = hooks.__enter__

    def packed(context: Any) -> Any:
        session.packed = True
        return enter(context)

    return hooks, "__enter__", packed
