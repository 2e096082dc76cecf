"""The user's own ``autograd.Function``s: the lines that apply them, and those that write their gradient."""

from __future__ import annotations

import ast
import functools
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import FunctionSeen
from tracer.recording.arguments import flat
from tracer.recording.dropped import LEVELS
from tracer.recording.places import is_user_file, user_site, user_stack
from tracer.recording.syntax import function_at, statements
from tracer.recording.torch_compat import is_compiling, sequence_number

if TYPE_CHECKING:
    from tracer.recording.session import Session


class CustomFunctions:
    """Watches ``Function.apply``, which no function mode sees."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._told: set[str] = set()

    def patches(self) -> list[tuple[Any, str, Any]]:
        """Return what to replace while recording: (owner, name, replacement)."""
        function = torch.autograd.Function
        original = vars(function).get("apply")
        if not isinstance(original, classmethod):
            return []
        call, watch, session = original.__func__, self._applied, self.session

        @functools.wraps(call)
        def apply(cls: type, *args: Any, **kwargs: Any) -> Any:
            if is_compiling() or not session.here():
                return call(cls, *args, **kwargs)
            before, at = sequence_number(), len(session.origins.made)
            out = call(cls, *args, **kwargs)
            session.guard(watch, cls, args, kwargs, out, before, at)
            return out

        return [(function, "apply", classmethod(apply))]

    def _applied(self, cls: type, args: Any, kwargs: Any, out: Any, before: int, at: int) -> None:
        """A Function was applied: its node took the first number, before anything that ran inside it."""
        session = self.session
        frame = sys._getframe(2)
        site = user_site(frame)
        if site is None or sequence_number() == before or not _wanted(args, kwargs):
            return  # a node takes a number even where no input requires grad (torch 2.13), and is dropped
        made = session.origins.made
        made.insert(min(at, len(made)), (before, before + 1, site[0], site[1], cls))
        if session.flow.on:
            session.flow.saw(cls, args, kwargs, out, before, before + 1, user_stack(frame, LEVELS))
        if session.cut_side.busy or _marked(out):
            session.cut_side.joins.joined(cls, args, kwargs, out, before, before + 1, site)

    def met(self, name: str, node: Any) -> None:
        """A node of a custom Function is in a graph: tell once where its backward is."""
        code = backward_code(node)
        if code is None or name in self._told or not is_user_file(code.co_filename):
            return
        self._told.add(name)
        places = self.session.places
        function = function_at(code.co_filename, code.co_firstlineno)
        inside = () if function is None else statements(function)
        lines = [each.lineno for each in inside if isinstance(each, ast.Return)]
        qualified = getattr(code, "co_qualname", code.co_name)
        returns = tuple(places.at(code.co_filename, line, qualified) for line in lines[:4])
        self.session.emit(FunctionSeen(name, places.definition(code), returns))


def backward_code(node: Any) -> CodeType | None:
    """Return the code of ``backward`` of the Function that made a node; None for PyTorch's own nodes."""
    code = getattr(getattr(getattr(node, "_forward_cls", None), "backward", None), "__code__", None)
    return code if isinstance(code, CodeType) else None


def _wanted(args: Any, kwargs: Any) -> bool:
    if not torch.is_grad_enabled():
        return False
    return any(isinstance(each, torch.Tensor) and each.requires_grad for each in flat(args, kwargs))


def _marked(out: Any) -> bool:
    """Tell whether a result of a Function has no gradient although others of its inputs do."""
    every = out if isinstance(out, (tuple, list)) else (out,)
    return any(isinstance(each, torch.Tensor) and not each.requires_grad for each in every)
