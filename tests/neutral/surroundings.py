"""Everything global that tracing could leave changed: hooks, patched names, modes and switches of PyTorch."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.modules import module
from torch.optim import optimizer


def surroundings() -> dict[str, Any]:
    """Return a picture of the process that is equal before and after a recording."""
    import tracer.recording.session as session

    found: dict[str, Any] = {
        f"{owner.__name__}.{name}": (id(table), dict(table))
        for owner in (module, optimizer)
        for name, table in vars(owner).items()
        if name.startswith("_global_") and isinstance(table, Mapping)
    }
    for owner in _OWNERS:
        label = getattr(owner, "__qualname__", "") or owner.__name__
        found.update({f"{label}.{name}": id(thing) for name, thing in vars(owner).items() if callable(thing)})
    found["function modes"] = torch.overrides._get_current_function_mode_stack()
    found["dispatch modes"] = torch._C._len_torch_dispatch_stack()
    found["switches"] = (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_anomaly_enabled(),
        torch.get_default_dtype(),
        _default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_autocast_enabled("cpu"),
    )
    found["warnings"] = (list(warnings.filters), id(warnings.showwarning), id(warnings.warn))
    found["tracing"] = (sys.gettrace(), sys.getprofile(), sys.excepthook, _name(threading.excepthook))
    found["recordings"] = list(session._open)
    return found


def _name(hook: Any) -> str:
    hook = getattr(hook, "func", hook)
    return f"{hook.__module__}.{hook.__qualname__}"  # pytest itself sets a new one of its own for each part of a test


def _default_device() -> Any:
    try:
        return torch.get_default_device()
    except AttributeError:  # torch 2.6, once a default device was set and taken back
        return torch.device("cpu")


_OWNERS: list[Any] = [
    torch, torch.autograd, torch.autograd.graph, torch.Tensor, torch.nn.Module, torch.nn.Parameter, module,
    torch.optim.Optimizer, torch.optim.SGD, torch.amp.GradScaler, torch.autograd.grad_mode.inference_mode,
    torch.autograd.grad_mode.no_grad, torch.autograd.Function, torch.overrides,
]  # fmt: skip
