"""Sees what happens to every registered parameter, by torch's own global hooks alone; knows nothing of the tracer.

A parameter is met when a module registers it, or at the latest when that module is called. Its own
post-accumulate hook counts gradients; its bits are compared around each ``optimizer.step()`` and at the end.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from torch.nn.modules import module as modules
from torch.optim import optimizer as optimizers

from tests.facts.parameters import Fact, Watched
from tests.facts.spelling import spell


class Observer:
    """A context manager; ``facts()`` is for after the block, while the program's objects may be gone."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}  # by id; each holds its tensor, so that no id comes twice
        self._modules: dict[int, weakref.ref[torch.nn.Module]] = {}
        self._optimizers: dict[int, torch.optim.Optimizer] = {}
        self._ran: set[int] = set()  #: ids of modules that were called
        self._walks = 0
        self._exit = ExitStack()

    def __enter__(self) -> Observer:
        for handle in (
            modules.register_module_parameter_registration_hook(self._registered),
            modules.register_module_forward_pre_hook(self._called),
            optimizers.register_optimizer_step_pre_hook(self._before_step),
            optimizers.register_optimizer_step_post_hook(self._after_step),
        ):
            self._exit.callback(handle.remove)
        self._exit.callback(setattr, torch.optim.Optimizer, "__init__", torch.optim.Optimizer.__init__)
        torch.optim.Optimizer.__init__ = self._seeing(torch.optim.Optimizer.__init__)  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()
        self._walk()
        for watched in self._watched.values():
            watched.look()
            watched.release()

    def add_optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        """Take in an optimizer that was made before the block."""
        self._optimizers[id(optimizer)] = optimizer

    def facts(self) -> list[Fact]:
        """Return the facts of all parameters that took any part in a module."""
        return [watched.fact(self._owners(watched.tensor)) for watched in self._watched.values()]

    # ---------------------------------------------------------------------- meeting

    def _registered(self, module: torch.nn.Module, name: str, parameter: torch.nn.Parameter) -> None:
        self._modules[id(module)] = weakref.ref(module)
        self._meet(parameter)

    def _called(self, module: torch.nn.Module, inputs: object) -> None:
        if torch.compiler.is_compiling():
            return
        if self._modules.get(id(module), _nothing)() is not module:  # a copy: nothing in it was registered
            for part in module.modules():
                self._modules[id(part)] = weakref.ref(part)
                self._meet_all(part)
        self._meet_all(module)
        if id(module) not in self._ran:
            self._ran.add(id(module))
            self._walk()
        for watched in self._watched.values():
            watched.start()

    def _meet_all(self, module: torch.nn.Module) -> None:
        for parameter in module._parameters.values():
            self._meet(parameter)

    def _meet(self, tensor: object) -> None:
        # ``functional_call`` puts plain tensors in the place of parameters
        if isinstance(tensor, torch.nn.Parameter) and id(tensor) not in self._watched:
            self._watched[id(tensor)] = Watched(tensor)
            self._watched[id(tensor)].count()

    def _seeing(self, init: Callable[..., None]) -> Callable[..., None]:
        def __init__(optimizer: torch.optim.Optimizer, *args: Any, **named: Any) -> None:
            init(optimizer, *args, **named)
            self._optimizers[id(optimizer)] = optimizer

        return __init__

    # ---------------------------------------------------------------------- steps

    def _before_step(self, optimizer: torch.optim.Optimizer, *arguments: object) -> None:
        self._walk()
        self._look()

    def _after_step(self, optimizer: torch.optim.Optimizer, *arguments: object) -> None:
        self._look()

    def _look(self) -> None:
        for watched in self._watched.values():
            watched.start()
            watched.look()

    def _owners(self, tensor: torch.Tensor) -> list[tuple[str, int]]:
        """Return (class, group) of each optimizer that holds the tensor in its ``param_groups``."""
        return [
            (type(optimizer).__name__, index)
            for optimizer in self._optimizers.values()
            for index, group in enumerate(optimizer.param_groups)
            if any(held is tensor for held in group["params"])
        ]

    # ---------------------------------------------------------------------- names

    def _walk(self) -> None:
        """Note under which names the parameters are found now, from the roots and from each module inside."""
        self._walks += 1
        live = [module for ref in list(self._modules.values()) if (module := ref()) is not None]
        everything = {id(part): part for module in live for part in module.modules()}
        children = {id(child) for module in everything.values() for child in module.children()}
        for key, module in everything.items():
            for name, parameter in module.named_parameters(remove_duplicate=False):
                if watched := self._watched.get(id(parameter)):
                    watched.named(spell(name), key not in children, self._walks)


def _nothing() -> None:
    return None
