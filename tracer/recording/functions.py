"""The function mode: sees every torch function called from Python, in the thread that records.

Hot path of an ordinary call: read the sequence number before and after; when it moved, keep the user's
code object and instruction offset. Values without a gradient go to ``cuts.CutSide``.
A handler runs with the mode off, so that what PyTorch calls inside is not seen again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from tracer.recording.dropped import LEVELS
from tracer.recording.places import is_user_file, user_site, user_site_and_call, user_stack
from tracer.recording.torch_compat import (
    current_function_mode,
    function_modes,
    is_compiling,
    sequence_number,
    without_torch_function,
)

if TYPE_CHECKING:
    from tracer.recording.session import Session

Tensor = torch.Tensor
Special = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]


class FunctionMode(TorchFunctionMode):
    """Reports calls to a session; changes neither arguments nor results."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        #: set while an optimizer works: calls pass straight through
        self.quiet = False
        #: it was to leave the stack while one of its own handlers ran: PyTorch puts it back after that, quiet
        self.set_aside = False
        self._resting = False  #: and this mode is off the stack, so that they do not even pass here
        self._special = self._specials()
        self._plain = frozenset(_PLAIN)

    def rest(self) -> None:
        """An optimizer steps: stand aside. Its thousands of small calls tell nothing that its hooks do not."""
        self.quiet = True
        if current_function_mode() is self:
            self.__exit__(None, None, None)
            self._resting = True

    def wake(self) -> None:
        """The optimizer has stepped, or broke off."""
        self.quiet = False
        if self._resting:
            self._resting = False
            self.__enter__()  # type: ignore[no-untyped-call]

    def come_back(self) -> None:
        """Be on the stack."""
        if not self.set_aside:
            self.__enter__()  # type: ignore[no-untyped-call]
        self.set_aside = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if kwargs is None:
            kwargs = {}
        if is_compiling():  # dynamo runs this too: it must find nothing here but the call itself
            return func(*args, **kwargs)
        if self.quiet or func in self._plain:
            return func(*args, **kwargs)
        special = self._special.get(func)
        if special is not None:
            return special(func, args, kwargs)
        before = sequence_number()
        out = func(*args, **kwargs)
        after = sequence_number()
        try:
            if types or function_modes():  # a __torch_function__ of the user's own must not see what is read here
                with without_torch_function():
                    self._look(func, args, kwargs, out, before, after)
            else:
                self._look(func, args, kwargs, out, before, after)
        except Exception as problem:
            self.session.failed("function mode", problem)
        return out

    def _look(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any, before: int, after: int
    ) -> None:
        """A call has returned; ``before`` and ``after`` are the sequence numbers around it."""
        session = self.session
        if after > before:
            site = user_site(sys._getframe(2))
            if site is not None:
                session.origins.made.append((before, after, site[0], site[1], func))
                if session.flow.on:
                    session.flow.saw(func, args, kwargs, out, before, after, user_stack(sys._getframe(2), LEVELS))
            if session.cut_side.writes.shared:
                session.cut_side.writes.through_memory(func, args, kwargs, site)
            if session.cut_side.busy:
                session.cut_side.joins.joined(func, args, kwargs, out, before, after, site)
        else:
            session.cut_side.left(func, args, kwargs, out)
            if session.plain.on:
                session.plain.made(func, args, kwargs, out, sys._getframe(2))
            if kwargs.get("requires_grad") and isinstance(out, Tensor):
                session.settled.stir()
                session.leaves.born(out, user_site(sys._getframe(2)))

    def _specials(self) -> dict[Any, Special]:
        # Getters and setters of attributes arrive as bound methods of the descriptor.
        table: dict[Any, Special] = {
            _descriptor("grad").__get__: self._grad_read,
            _descriptor("grad").__set__: self._grad_written,
            _descriptor("requires_grad").__set__: self._toggled,
            Tensor.requires_grad_: self._toggled,
            Tensor.detach_: self._detached_in_place,
            Tensor.backward: self._backward,
            torch.autograd.backward: self._backward,
            torch.autograd.grad: self._grad_call,
            Tensor.register_hook: self._hook_registered,
        }
        switch = getattr(torch._C, "_set_grad_enabled", None)
        if switch is not None:
            table[switch] = self._grad_switched
        return table

    def _grad_read(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = func(*args, **kwargs)
        if out is not None:
            self.session.apart(self.session.grads.read, args[0], out)
        else:
            self.session.apart(self._asked, args[0], sys._getframe(2))
        return out

    def _asked(self, tensor: Tensor, frame: FrameType) -> None:
        if is_user_file(frame.f_code.co_filename):  # ``module.to()`` reads every gradient too, and asks for none
            self.session.grads.asked(tensor)

    def _grad_written(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        session = self.session
        session.apart(session.grads.before_write, args[0])
        out = func(*args, **kwargs)
        session.apart(self._grad_set, args, sys._getframe(2))
        return out

    def _grad_set(self, args: tuple[Any, ...], frame: FrameType) -> None:
        site, called = user_site_and_call(frame)
        self.session.grads.written(args[0], args[1] if len(args) > 1 else None, site, called)

    def _toggled(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = func(*args, **kwargs)
        session = self.session
        session.apart(_at, sys._getframe(2), session.toggled, args[0])
        return out

    def _detached_in_place(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        side = self.session.cut_side
        history = self.session.guard(side.history_of, args[0])
        out = func(*args, **kwargs)
        if history:
            self.session.guard(side.detached_in_place, args[0], history, user_site(sys._getframe(2)))
        return out

    def _backward(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return func(*args, **kwargs)

    def _grad_call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = func(*args, **kwargs)
        self.session.apart(_at, sys._getframe(2), self.session.cut_side.gradients_returned, out)
        return out

    def _hook_registered(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        session = self.session
        session.apart(_at, sys._getframe(2), session.hooks.registered, args)
        return func(*args, **kwargs)

    def _grad_switched(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = func(*args, **kwargs)
        self.session.apart(self.session.cut_side.grad_mode.switched, bool(args[0]), sys._getframe(2))
        return out


def _at(frame: FrameType, work: Callable[..., None], *args: Any) -> None:
    """Call ``work`` with the user's site as its last argument."""
    work(*args, user_site(frame))


def _descriptor(name: str) -> Any:
    return getattr(Tensor, name)


def _named(*paths: str) -> list[Any]:
    found = []
    for path in paths:
        thing: Any = Tensor
        for part in path.split("."):
            thing = getattr(thing, part, None)
            if thing is None:
                break
        if thing is not None:
            found.append(thing)
    return found


#: Calls that read no values and make none: shapes, flags and profiler marks.
_PLAIN: list[Any] = _named(
    "dim", "size", "numel", "stride", "is_floating_point", "is_complex", "is_contiguous", "data_ptr",
    "storage_offset", "element_size", "get_device", "is_leaf.__get__", "shape.__get__", "dtype.__get__",
    "device.__get__", "requires_grad.__get__", "grad_fn.__get__", "is_cuda.__get__", "layout.__get__",
    "ndim.__get__", "is_sparse.__get__", "is_quantized.__get__", "is_nested.__get__", "_base.__get__",
    "_version.__get__", "is_meta.__get__", "names.__get__", "__len__", "__hash__", "__repr__", "__format__",
    "untyped_storage", "is_inference", "retain_grad", "retains_grad.__get__", "is_set_to",
    "_backward_hooks.__get__", "is_mps.__get__", "is_xla.__get__", "itemsize.__get__", "nbytes.__get__",
    "output_nr.__get__", "is_coalesced", "is_pinned", "is_same_size",
)  # fmt: skip
