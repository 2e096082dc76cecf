"""What frameworks wrap around models and optimizers, taken off: names and steps are those of what is inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def inner_optimizer(optimizer: Any) -> Any:
    """Return the optimizer inside of Accelerate's, Lightning's and similar wrappers."""
    from torch.optim import Optimizer

    for _ in range(8):
        inside = vars(optimizer).get("optimizer", vars(optimizer).get("_optimizer")) if _has_vars(optimizer) else None
        if not isinstance(inside, Optimizer):
            return optimizer
        optimizer = inside
    return optimizer


def inner_model(model: Any) -> Any:
    """Return the module inside of DataParallel, DistributedDataParallel and ``torch.compile``."""
    from tracer.recording.torch_compat import wrapped_module

    inside = wrapped_module(model)
    while inside is not None:
        model, inside = inside, wrapped_module(inside)
    return model


def each(given: Any, change: Callable[[Any], Any]) -> Any:
    """Apply to one thing, or to each in a dict or list, keeping the shape."""
    if isinstance(given, dict):
        return {name: change(thing) for name, thing in given.items()}
    if isinstance(given, (list, tuple)):
        return [change(thing) for thing in given]
    return None if given is None else change(given)


def _has_vars(thing: Any) -> bool:
    return hasattr(thing, "__dict__")
