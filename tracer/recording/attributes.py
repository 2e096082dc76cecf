"""Finds modules and tensors that a module holds without registering them: lists, dicts, plain objects."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import torch

Module = torch.nn.Module

#: How deep containers are opened, and how many items in all.
DEPTH = 3
ITEMS = 2_000

_OWN = frozenset(("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "training", "parametrizations"))
_LIBRARIES = frozenset(("torch", "numpy", "builtins", "tracer", "logging", "threading"))


def named_modules(root: Module) -> Iterator[tuple[str, Module]]:
    """Yield every registered module with its path, each alias of a shared one too; no recursion."""
    stack: list[tuple[str, Module, tuple[int, ...]]] = [("", root, ())]
    while stack:
        path, module, above = stack.pop()
        yield path, module
        inside = (*above, id(module))
        for name, child in reversed(list(module._modules.items())):
            if child is not None and id(child) not in inside:
                stack.append((f"{path}.{name}" if path else name, child, inside))


def unregistered(module: Module) -> Iterator[tuple[str, Any]]:
    """Yield (attribute path, thing) for tensors and modules that a module holds but does not register."""
    count = 0
    stack: list[tuple[str, Any, int]] = [
        (name, value, 0)
        for name, value in vars(module).items()
        if name not in _OWN and not name.endswith("_hooks") and not name.startswith("__")
    ]
    # A buffer that requires grad collects gradients, and no optimizer ever gets it.
    stack += [(name, value, 0) for name, value in module._buffers.items() if value is not None and value.requires_grad]
    stack.reverse()
    seen: set[int] = {id(module)}
    while stack and count < ITEMS:
        path, value, depth = stack.pop()
        count += 1
        # By type: a ``weakref.proxy`` says by isinstance that it is what it stands for, and owns nothing.
        if issubclass(type(value), (torch.Tensor, Module)):
            if id(value) not in seen:
                seen.add(id(value))
                yield path, value
        elif depth < DEPTH:
            stack.extend(reversed(list(_inside(path, value, depth, seen))))


def _inside(path: str, value: Any, depth: int, seen: set[int]) -> Iterator[tuple[str, Any, int]]:
    if id(value) in seen:
        return
    if isinstance(value, (list, tuple)):
        seen.add(id(value))
        for i, item in enumerate(value[:ITEMS]):
            yield f"{path}[{i}]", item, depth + 1
    elif isinstance(value, dict):
        seen.add(id(value))
        for key, item in list(value.items())[:ITEMS]:
            yield f"{path}[{key!r}]" if not isinstance(key, str) else f"{path}.{key}", item, depth + 1
    elif isinstance(value, FunctionType):
        seen.add(id(value))
        yield from ((f"{path}.{name}", item, depth + 1) for name, item in _closed_over(value))
    elif isinstance(value, functools.partial):
        seen.add(id(value))
        yield f"{path}.func", value.func, depth + 1
        yield from ((f"{path}.args[{i}]", item, depth + 1) for i, item in enumerate(value.args))
        yield from ((f"{path}.{name}", item, depth + 1) for name, item in value.keywords.items())
    elif _plain_object(value):
        seen.add(id(value))
        for name, item in list(vars(value).items())[:ITEMS]:
            if not name.startswith("__"):
                yield f"{path}.{name}", item, depth + 1


def _closed_over(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables of an outer function that a lambda or inner function keeps."""
    if (function.__module__ or "").split(".")[0] in _LIBRARIES:
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        if name in ("self", "__class__"):
            continue
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def _plain_object(value: Any) -> bool:
    """Tell whether a value is an instance of a class of the user's own, safe to look into by ``vars``."""
    module = type(value).__module__ or ""
    return hasattr(value, "__dict__") and not isinstance(value, type) and module.split(".")[0] not in _LIBRARIES
