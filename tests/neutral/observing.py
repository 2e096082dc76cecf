"""Runs a program with and without tracing and puts everything that a user could see of it side by side."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

import tracer

#: What a program under observation returns: any nest of tensors, numbers and containers.
Program = Callable[[], Any]
#: label -> a value that can be compared with ``==``
Seen = dict[str, Any]


def observe(program: Program, detail: str | None = None) -> Seen:
    """Run ``program`` from a fixed seed and return what can be seen of it.

    Args:
        detail: how closely it is traced; None = not at all.
    """
    seed(0)
    watching: Any = nullcontext() if detail is None else tracer.record(detail=detail)
    seen: Seen = {}
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else torch tells each of its warnings to the first run only
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with watching:
                    result = program()
            except Exception as error:
                seen["error"] = f"{type(error).__name__}: {error}"
            else:
                seen.update(flatten(result))
    finally:
        torch.set_warn_always(always)
    # Python 3.13.0 has dynamo warn once for each guard, and a hook of ours is guarded too
    told = (warning for warning in caught if "Guards may run slower on Python" not in str(warning.message))
    for i, warning in enumerate(told):
        seen[f"warning {i}"] = (warning.category.__name__, _without_our_frame(str(warning.message)))
    seen.update(_state())
    return seen


def _without_our_frame(text: str) -> str:
    # Anomaly mode quotes the Python stack in a warning, and a function mode stands in that stack.
    return re.sub(r'  File ".*/tracer/recording/functions\.py", line \d+, in __torch_function__\n.*\n', "", text)


def differences(program: Program, detail: str) -> list[str]:
    """Return the labels at which a traced run of ``program`` differs from an untraced one."""
    observe(program)  # what PyTorch imports, warns of and caches at first use is not to be compared
    plain, traced = observe(program), observe(program, detail)
    if "error" in plain:
        return [f"it does not run untraced: {plain['error']}"]
    return [label for label in {**plain, **traced} if plain.get(label) != traced.get(label)]


def repeats(program: Program) -> bool:
    """Tell whether two untraced runs are equal: what differs by itself proves nothing about tracing."""
    return observe(program) == observe(program)


def seed(number: int) -> None:
    """Seed every generator that a program may draw from."""
    torch.manual_seed(number)
    np.random.seed(number)
    random.seed(number)


def _state() -> Seen:
    numpy_state: Any = np.random.get_state()
    return {
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "numpy's generator": (numpy_state[1].tobytes(), numpy_state[2]),
        "python's generator": random.getstate(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly mode": torch.is_anomaly_enabled(),
        "default dtype": torch.get_default_dtype(),
    }


# --------------------------------------------------------------------------- values


def flatten(value: Any, path: str = "result") -> Seen:
    """Return one comparable value per tensor, number or other thing in a nest."""
    if isinstance(value, torch.Tensor):
        return {path: bits(value)}
    if isinstance(value, dict):
        parts = {f"{path}[{key!r}]": item for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        parts = {f"{path}[{i}]": item for i, item in enumerate(value)}
    elif isinstance(value, np.ndarray):
        return {path: (str(value.dtype), value.shape, value.tobytes())}
    elif isinstance(value, (int, float, complex, str, bytes, type(None))):
        return {path: repr(value)}
    else:
        return {path: type(value).__name__}
    found: Seen = {}
    for label, item in parts.items():
        found.update(flatten(item, label))
    return found


def bits(tensor: torch.Tensor) -> tuple[Any, ...]:
    """Return everything about a tensor: how it is laid out, its place in the graph, and every bit of it."""
    about = (
        type(tensor).__name__,
        str(tensor.dtype),
        str(tensor.device),
        str(tensor.layout),
        tensor.requires_grad,
        tensor.is_leaf,
        None if tensor.grad_fn is None else tensor.grad_fn.name(),
    )
    return (*about, *_content(tensor.detach()))


def _content(tensor: torch.Tensor) -> Iterator[Any]:
    if tensor.is_nested:
        yield [tuple(_content(part)) for part in tensor.detach().unbind()]
        return
    yield tuple(tensor.shape)
    if tensor.device.type == "meta":
        yield tuple(tensor.stride())
    elif tensor.layout == torch.sparse_coo:
        # not coalesced: the order in which the entries stand is the program's own
        yield from _content(tensor._indices())
        yield from _content(tensor._values())
    elif tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        yield from map(_raw, (tensor.crow_indices(), tensor.col_indices(), tensor.values()))
    elif tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        yield from map(_raw, (tensor.ccol_indices(), tensor.row_indices(), tensor.values()))
    elif tensor.layout == torch.strided:
        yield tuple(tensor.stride())
        yield _raw(tensor.int_repr() if tensor.is_quantized else tensor)
    else:
        yield _raw(tensor.to_dense())


def _raw(tensor: torch.Tensor) -> bytes:
    flat = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.detach().reshape(-1))
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


# --------------------------------------------------------------------------- the graph


def structure(*roots: torch.Tensor | None) -> list[tuple[str, tuple[tuple[int, int] | None, ...]]]:
    """Return the autograd graph behind some tensors: node names and edges, in the order of a walk."""
    nodes: list[Any] = []
    index: dict[Any, int] = {}
    for root in roots:
        if root is not None and root.grad_fn is not None and root.grad_fn not in index:
            index[root.grad_fn] = len(nodes)
            nodes.append(root.grad_fn)
    found = []
    for node in nodes:  # grows while it is read
        edges: list[tuple[int, int] | None] = []
        for target, slot in node.next_functions:
            if target is None:
                edges.append(None)
                continue
            if target not in index:
                index[target] = len(nodes)
                nodes.append(target)
            edges.append((index[target], slot))
        found.append((node.name(), tuple(edges)))
    return found


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Yield the tensors of a nest, in order."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
