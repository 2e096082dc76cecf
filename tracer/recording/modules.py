"""Module calls and registrations, by PyTorch's global module hooks: nothing is put on the user's modules."""

from __future__ import annotations

import sys
import weakref
from types import FrameType
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules import module as hooks

from tracer.recording.arguments import flat
from tracer.recording.dark import leaves_near
from tracer.recording.forward_values import ForwardNorms
from tracer.recording.places import Site, user_frame, user_site, user_stack
from tracer.recording.torch_compat import global_hook, sequence_number

if TYPE_CHECKING:
    from tracer.recording.session import Session

Module = torch.nn.Module


class ModuleInfo:
    """What is remembered of one module."""

    __slots__ = ("built", "calls", "cls", "key", "loose", "made", "opened", "parented", "ref", "top_calls")

    def __init__(self, key: int, module: Module, made: tuple[Site, ...]) -> None:
        self.key = key
        self.ref = weakref.ref(module)
        self.cls = type(module).__name__
        self.built: Site | None = None  #: the line that called the constructor, once looked up
        self.made = made  #: user frames when its first parameter was registered, innermost first
        self.opened = False  #: all modules that it holds are known to be ``parented``
        self.parented = False  #: some module registered it as a child
        #: (module that called it, variable name) for a module that its caller does not register
        self.loose: tuple[int, str] | None = None
        self.calls = 0
        self.top_calls = 0  #: calls from outside any other module


class Modules:
    """Keeps the call stack of modules and the sequence numbers at which each call began and ended."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._by_id: dict[int, ModuleInfo] = {}
        self.all: list[ModuleInfo] = []
        self._stack: list[tuple[ModuleInfo, int]] = []
        #: (id of module, attribute) -> (turn, site): where an attribute was last registered
        self.registered: dict[tuple[int, str], tuple[int, Site | None]] = {}
        self._turn = 0
        self.outputs = ForwardNorms()

    def attach(self, handles: list[Any]) -> None:
        """Register the global hooks on registrations; each handle is kept at once, also when the next one fails."""
        safely = self.session.safely
        handles.append(global_hook("parameter", safely(self._parameter_registered)))
        handles.append(global_hook("module", safely(self._module_registered)))

    def attach_to_calls(self, handles: list[Any]) -> None:
        """Register the global hooks on calls; each handle is kept at once."""
        safely, unless = self.session.safely, self.session.settled.unless_resting
        self._stack.clear()
        entered, left = unless(self._counted, safely(self._entered)), unless(self._inner, safely(self._left))
        handles.append(hooks.register_module_forward_pre_hook(entered))
        handles.append(hooks.register_module_forward_hook(left, always_call=True))

    def find(self, module: Module) -> ModuleInfo | None:
        info = self._by_id.get(id(module))
        return info if info is not None and info.ref() is module else None

    def info(self, module: Module, made: tuple[Site, ...] = ()) -> ModuleInfo:
        """Return the record of a module, made when first met."""
        info = self.find(module)
        if info is None:
            info = ModuleInfo(len(self.all), module, made)
            self.all.append(info)
            self._by_id[id(module)] = info
            self.session.names.dirty = True
        elif made and not info.made:
            info.made = made
        return info

    def alive(self) -> list[Module]:
        """Return the known modules that still live, in the order in which they were met."""
        found = (info.ref() for info in self.all)
        return [module for module in found if module is not None]

    def _counted(self, module: Module) -> bool:
        """While the function mode rests, a call of a known module is only counted."""
        info = self._by_id.get(id(module))
        if info is None or not info.calls or info.ref() is not module:
            return False
        info.calls += 1
        return True

    def _inner(self, module: Module) -> bool:
        """Tell whether a module that returns is not the one in whose call the mode rests."""
        return not self._stack or self._stack[0][0].ref() is not module

    # Hooks return None: they must not change arguments, outputs or what is registered. ``safely`` keeps them from
    # running while code is captured.

    def _entered(self, module: Module, args: Any) -> None:
        if not self.session.here("called modules: what they computed has no module and no line"):
            return
        info = self.info(module)
        info.calls += 1
        self.session.settled.interrupt()  # by a module that was never called before
        if not self._stack:
            info.top_calls += 1
            self.session.stages.called(module, info.top_calls, sys._getframe(2))
            if self.session.mode.quiet:
                self.session.step_broke_off()
            self._note_data(args)
            self.session.settled.entered(info, module)
        elif info.calls == 1 and not info.parented:
            self._find_loose(info, module)
        self._stack.append((info, sequence_number()))

    def _note_data(self, args: Any) -> None:
        """What a module is called with from outside is data, and so is a leaf that it is a part of."""
        for arg in flat(args, {}):
            if isinstance(arg, torch.Tensor) and arg.requires_grad:
                for leaf in leaves_near(arg):
                    if not isinstance(leaf, torch.nn.Parameter):
                        self.session.leaves.used_as_data(leaf)

    def _find_loose(self, info: ModuleInfo, module: Module) -> None:
        """A module runs inside another for the first time: keep its variable name if nothing registers it."""
        caller = self._stack[-1][0]
        owner = caller.ref()
        if owner is None or self._registered_in(caller, owner, info):
            info.parented = True
            return
        frame = user_frame(sys._getframe(2))
        scope = {} if frame is None or frame.f_code.co_name == "<module>" else frame.f_locals
        name = next((name for name, value in scope.items() if value is module), "")
        if scope and sys.version_info < (3, 13) and sys.gettrace() is None:
            scope.clear()
        if name and name != "self":
            info.loose = (caller.key, name)

    def _registered_in(self, caller: ModuleInfo, owner: Module, info: ModuleInfo) -> bool:
        """Tell whether a module holds another one; all that it holds is noted at the first question.

        What is registered later says so itself. A child put straight into ``_modules`` later is missed here:
        then its variable is kept for nothing, since the walk from the root names its parameters.
        """
        if not caller.opened:
            caller.opened = True
            for child in owner.modules():
                if child is not owner:
                    self.info(child).parented = True
        return info.parented

    def _left(self, module: Module, args: Any, output: Any) -> None:
        if not self.session.here():
            return
        called = bool(self._stack)
        while self._stack:
            info, start = self._stack.pop()
            end = sequence_number()
            if end > start:
                self.session.origins.called.append((start, end, info.key))
                if self.session.detail != "graph":
                    self.outputs.take(output, whole=self.session.alarmed)
            if info.ref() is module:
                break
        if called and not self._stack:
            self.session.settled.left()

    def _parameter_registered(self, module: Module, name: str, parameter: Any) -> None:
        frame = sys._getframe(2)
        self.info(module, user_stack(frame))
        self._remember(module, name, frame)
        if parameter is not None:
            self.session.names.parameter_registered(module, name, parameter, user_site(frame))

    def _module_registered(self, module: Module, name: str, child: Any) -> None:
        frame = sys._getframe(2)
        self.info(module, user_stack(frame))
        if isinstance(child, Module):
            self.info(child).parented = True
        self._remember(module, name, frame)

    def _remember(self, module: Module, name: str, frame: FrameType | None) -> None:
        self._turn += 1
        self.session.settled.stir()
        self.registered[id(module), name] = (self._turn, user_site(frame))
        self.session.names.dirty = True

    def built_at(self, module: Module, outside: type | None = None) -> Site | None:
        """Return where a module was built: the user's line that called its constructor.

        Args:
            outside: when given, the line in a method of this class (the owner of the list it sits in).
        """
        info = self.find(module)
        if info is None or not info.made:
            return None
        if outside is not None:
            mine = [site for site in info.made if _belongs(site, outside)]
            if mine:
                return mine[0]
        inside = [i for i, site in enumerate(info.made) if _belongs(site, type(module))]
        at = (inside[-1] + 1) if inside else 0
        return info.made[at] if at < len(info.made) else info.made[-1]


def _belongs(site: Site, cls: type) -> bool:
    code = site[0]
    return any(
        getattr(vars(base).get(code.co_name), "__code__", None) is code for base in cls.__mro__ if base is not object
    )
