"""Makes one callable of the recorder raise, for as long as a program runs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import tracer.recording
from tests.neutral.observing import Seen, flatten, seed
from tracer.recording import hook_tables

#: What catches failures, or stands before it and makes one call of C, cannot be made to fail.
_NET = {
    "Session.guard", "Session.apart", "Session.progress",
    "Session.failed", "Session.safely", "Session.start", "Session.stop", "Session._attach",
    "Session._detach", "Session._detach_from_steps", "Session.here", "Session.present", "Backwards._unseen",
    "Session.__init__", "FunctionMode.__torch_function__", "Backwards._run",
    "Watch._ran", "Watch._arrived", "torch_compat.is_compiling", "torch_compat.is_capturing",
    "torch_compat.sequence_number", "torch_compat.is_recording_graph", "Session.in_graph", "HookTable.values",
}  # fmt: skip
#: These run outside any training.
_OUTSIDE = ("script", "existing", "deep", "tracebacks", "patches")


class InjectedError(Exception):
    """What an injected fault raises."""


def callables() -> dict[str, list[tuple[Any, str]]]:
    """Return label -> the places from which a function or method of the recorder is called."""
    modules = [
        importlib.import_module(f"tracer.recording.{info.name}")
        for info in pkgutil.iter_modules(tracer.recording.__path__)
        if info.name not in _OUTSIDE
    ]
    found: dict[str, list[tuple[Any, str]]] = {}
    for module in modules:
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(thing):
                found[f"{module.__name__.rpartition('.')[2]}.{name}"] = [
                    (each, name) for each in modules if vars(each).get(name) is thing
                ]
            elif inspect.isclass(thing):
                for method, function in vars(thing).items():
                    if inspect.isfunction(function) and not _is_generated(method):
                        found[f"{thing.__name__}.{method}"] = [(thing, method)]
    return {label: places for label, places in found.items() if label not in _NET}


def _is_generated(method: str) -> bool:
    return method.startswith("__") and method not in ("__init__", "__torch_function__", "__bool__")


@dataclass
class Counter:
    call_count: int = 0


@contextmanager
def failing(places: list[tuple[Any, str]], after: int = 0) -> Iterator[Counter]:
    """Let the callable raise from its call number ``after`` on; yields a count of its calls."""
    counter = Counter()
    owner, name = places[0]
    original = vars(owner)[name]

    def broken(*args: Any, **kwargs: Any) -> Any:
        counter.call_count += 1
        if counter.call_count > after:
            raise InjectedError("injected")
        return original(*args, **kwargs)

    patches = [mock.patch.object(owner, name, broken) for owner, name in places]
    for patch in patches:
        patch.start()
    try:
        yield counter
    finally:
        for patch in patches:
            patch.stop()


def survive(places: list[tuple[Any, str]], after: int, expected: Seen, **options: Any) -> str:
    """Run ``program`` traced while a part of the recorder fails; return what is wrong then, or nothing."""
    recording = tracer.record(detail="full", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seed(0)
        with failing(places, after) as counter, recording:
            found = flatten(program())
    said = [str(warning.message) for warning in caught]
    recording.report()
    removal = places[0][1] in ("take_out", "remove") and places[0][0].__module__ == hook_tables.__name__
    if _put_tables_back() and not removal:  # what a broken removal leaves cannot come off by it
        return "a global hook was left behind"
    if torch.overrides._get_current_function_mode_stack():
        return "a function mode was left behind"
    if found != expected:
        return "the program computed something else"
    if len(said) > 1 or any(not text.startswith("the tracer failed in ") for text in said):
        return f"it was told {said}"
    if said and counter.call_count <= after:
        return "it was told of a failure that was none"
    if not set(said) <= set(recording.trace.notes) and "emit" not in places[0][1]:
        return f"the trace does not say {said}"
    return ""


def _put_tables_back() -> bool:
    """Give PyTorch its own tables of global hooks back; tell whether a hook of a recording was in one."""
    left = False
    for table in hook_tables._tables:
        left = left or bool(table._ours)
        table._ours.clear()
        if getattr(table.owner, table.name) is table:
            setattr(table.owner, table.name, table.real)
    return left


def program() -> Any:
    """Train in a way that touches nearly everything that the recorder watches."""
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    extra = torch.ones(2, requires_grad=True)
    scale = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.AdamW([{"params": net.parameters()}, {"params": [scale]}], lr=0.01)
    optimizer.add_param_group({"params": [extra]})
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    net[0].weight.register_hook(lambda grad: grad * 2)
    losses = []
    for turn in range(3):
        optimizer.zero_grad(set_to_none=turn != 1)
        x = torch.from_numpy(torch.rand(5, 3).numpy())
        hidden = checkpoint(net, x, use_reentrant=False) * extra + scale.detach()
        hidden.register_hook(lambda grad: grad + 0)
        with torch.no_grad():
            shift = hidden.mean(dim=0)
        with torch.inference_mode():
            number = hidden.max().item()
        again = torch.tensor(hidden.argmax(dim=1).tolist()).float().mean()
        loss = (hidden - shift).square().mean() * float(number) + again + hidden.topk(1).values.sum()
        torch.autograd.grad(loss, extra, retain_graph=True, create_graph=True)
        scaler.scale(loss * (float("nan") if turn == 2 else 1.0)).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        with torch.no_grad():
            extra.mul_(0.9)
        scale.data = scale.data + 0
        scale.requires_grad_(turn != 1)
        net[3] = nn.Linear(4, 2) if turn == 1 else net[3]
        losses.append(loss)
    try:
        losses[0].backward()
    except RuntimeError as error:
        losses.append(str(error))
    return [losses, list(net.parameters()), [p.grad for p in net.parameters()], extra, optimizer.state_dict()]
