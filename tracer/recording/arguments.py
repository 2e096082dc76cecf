"""Reads the arguments of a torch function: what it takes in, and what an in-place call writes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch


def flat(args: Any, kwargs: dict[str, Any]) -> Iterator[Any]:
    """Yield arguments, one level of lists and tuples opened (``cat``, ``stack``, indices, foreach)."""
    for thing in args:
        if type(thing) in (list, tuple):
            yield from thing[:4096]
        else:
            yield thing
    for thing in kwargs.values():
        if type(thing) in (list, tuple):
            yield from thing[:4096]
        else:
            yield thing


def floats(data: Any) -> Iterator[float]:
    """Yield the floats in nested lists, at most 4096, without recursion."""
    stack, count = [data], 0
    while stack and count < 4096:
        thing = stack.pop()
        if isinstance(thing, float):
            count += 1
            yield float(thing)
        elif isinstance(thing, (list, tuple)):
            stack.extend(reversed(thing[:4096]))


def targets(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield (what is written to, what it is written from) for an in-place call."""
    if kwargs.get("out") is not None:
        yield kwargs["out"], args
    elif name.startswith("_foreach_") and args and isinstance(args[0], (list, tuple)):
        others = [a for a in args[1:] if isinstance(a, (list, tuple))]
        for i, target in enumerate(args[0]):
            yield target, tuple(o[i] for o in others if i < len(o))
    elif args:
        yield args[0], tuple(args[1:]) + tuple(kwargs.values())
    elif "tensor" in kwargs:  # torch.nn.init passes everything by name
        yield kwargs["tensor"], ()


def storage(tensor: torch.Tensor) -> int:
    """Return the address of a tensor's memory: equal for views of one tensor."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return id(tensor)
