"""Optimizers: where they were built, what they hold, when they step, and when a GradScaler skips them."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from tracer.events import Group, GroupsSeen, OptimizerStepped, StepSkipped
from tracer.recording.leaves import Leaf
from tracer.recording.mailbox import Later
from tracer.recording.measure import fetch
from tracer.recording.places import Site, user_site
from tracer.recording.torch_compat import global_hook, sequence_number, without_torch_function

if TYPE_CHECKING:
    from tracer.recording.session import Session


#: Leaves that no optimizer holds are compared at the first steps, and then at every so many.
UNOWNED = 8


class OptimizerInfo:
    """What is remembered of one optimizer."""

    __slots__ = (
        "cls",
        "group_sites",
        "groups",
        "key",
        "made",
        "name",
        "ref",
        "step_started",
        "steps",
        "total",
    )

    def __init__(self, key: int, optimizer: Any, made: Site | None) -> None:
        self.key = key
        self.ref = weakref.ref(optimizer)
        self.cls = type(optimizer).__name__
        self.made = made
        self.name = ""
        self.groups: tuple[Group, ...] = ()
        self.steps = 0  #: steps within the current step label
        self.total = 0
        self.step_started = False


class Optimizers:
    """Global step hooks, and wrappers around building an optimizer and ``GradScaler.step``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.all: list[OptimizerInfo] = []
        self._by_id: dict[int, OptimizerInfo] = {}
        self._stepping: list[int] = []  #: keys of the optimizers whose step is running, outermost first
        #: sequence number and line of the last step: a graph that began before it may hold values from before
        self.last_step: tuple[int, Site | None] | None = None

    def attach(self, handles: list[Any]) -> None:
        """Register the global hooks on steps; each handle is kept at once, also when the next one fails."""
        handles.append(global_hook("before a step", self.session.safely(self._before_step)))
        handles.append(global_hook("after a step", self.session.safely(self._after_step)))

    def patches(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        """Return (owner, name, replacement): PyTorch has no hook for these."""
        found: list[tuple[Any, str, Callable[..., Any]]] = [
            (torch.optim.Optimizer, "__init__", self._wrap_init(torch.optim.Optimizer.__init__)),
            (torch.optim.Optimizer, "add_param_group", self._wrap_add(torch.optim.Optimizer.add_param_group)),
        ]
        scaler = getattr(getattr(torch, "amp", None), "GradScaler", None)
        if scaler is not None:
            found.append((scaler, "step", self._wrap_scaler(scaler.step)))
        return found

    def info(self, optimizer: Any, made: Site | None = None) -> OptimizerInfo:
        """Return the record of an optimizer, made when first met."""
        info = self._by_id.get(id(optimizer))
        if info is None or info.ref() is not optimizer:
            info = OptimizerInfo(len(self.all), optimizer, made)
            self.all.append(info)
            self._by_id[id(optimizer)] = info
            self.session.names.dirty = True
        return info

    def read_groups(self, info: OptimizerInfo, optimizer: Any, site: Site | None) -> list[Leaf]:
        """Emit the param groups when they differ from before; return the leaves held."""
        session = self.session
        groups, held = [], []
        for group in optimizer.param_groups:
            leaves = [session.leaves.add(p) for p in group["params"] if isinstance(p, torch.Tensor)]
            for leaf in leaves:
                leaf.owned = True
            held.extend(leaves)
            groups.append(
                Group(
                    tuple(leaf.key for leaf in leaves), _number(group.get("lr")),
                    _number(group.get("weight_decay")), _momentum(group),
                )
            )  # fmt: skip
        if tuple(groups) != info.groups:
            if [group.leaves for group in groups] != [group.leaves for group in info.groups]:
                session.sampling.changed("the parameters of an optimizer's groups changed")
            info.groups = tuple(groups)
            session.emit(GroupsSeen(session.step, info.key, info.groups, session.places.key(site)))
        return list({leaf.key: leaf for leaf in held}.values())

    # ------------------------------------------------------------------ wrappers

    def _wrap_init(self, init: Callable[..., None]) -> Callable[..., None]:
        def built(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            init(optimizer, *args, **kwargs)
            if self.session.present():
                self.session.guard(self._built, optimizer, sys._getframe(1))

        return built

    def _built(self, optimizer: Any, frame: Any) -> None:
        if not hasattr(optimizer, "param_groups"):
            return
        with without_torch_function():
            site = user_site(frame)
            info = self.info(optimizer, site)
            for leaf in self.read_groups(info, optimizer, site):
                tensor = leaf.ref()
                if tensor is not None:
                    self.session.follow(leaf, tensor)
            self.session.names.refresh()

    def _wrap_add(self, add: Callable[..., None]) -> Callable[..., None]:
        def added(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            add(optimizer, *args, **kwargs)
            info = self._by_id.get(id(optimizer))
            if info is not None and info.ref() is optimizer and self.session.present():
                self.session.guard(self._added, info, optimizer, sys._getframe(1))

        return added

    def _added(self, info: OptimizerInfo, optimizer: Any, frame: Any) -> None:
        with without_torch_function():
            self.read_groups(info, optimizer, user_site(frame))

    def _wrap_scaler(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def scaled(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            info = self.session.guard(self.info, optimizer)
            before = 0 if info is None else info.total
            result = step(scaler, optimizer, *args, **kwargs)
            if info is not None and info.total == before and self.session.here():
                self.session.guard(self._skipped, info, optimizer, sys._getframe(1))
            return result

        return scaled

    def _skipped(self, info: OptimizerInfo, optimizer: Any, frame: Any) -> None:
        with without_torch_function():
            leaves = self.read_groups(info, optimizer, None)
            self.session.mail.post(self._tell_skipped(info, leaves, user_site(frame)))
            self.session.grads.used_by_step(leaves)
            self.session.mail.step_ended()

    def _tell_skipped(self, info: OptimizerInfo, leaves: list[Leaf], site: Site | None) -> Later[None]:
        step = self.session.step
        found: dict[int, torch.Tensor] = {}
        for leaf in leaves:
            tensor = leaf.ref()
            if tensor is not None and tensor.grad is not None:
                found[leaf.key] = torch.isfinite(tensor.grad.detach()).all()
        tensor = None
        finite = yield from fetch(list(found.values()))
        bad = tuple(key for key, value in zip(found, finite, strict=True) if not value)
        self.session.emit(StepSkipped(step, info.key, bad, self.session.places.key(site)))

    # ------------------------------------------------------------------ steps

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self.session.paused:
            self.session.sampling.entering(optimizer)
        elif self.session.here("stepped an optimizer: whether values changed by it is not known"):
            self.session.guard(self._start, optimizer, args, kwargs, sys._getframe(1))

    def _start(self, optimizer: Any, args: Any, kwargs: Any, frame: Any) -> None:
        session = self.session
        with without_torch_function():
            info = self.info(optimizer)
            site = user_site(frame)
            if session.backwards.running:
                session.accumulation.back_to_hooks()
            session.maybe_next_step(info)
            closure = bool(len(args) > 1 and args[1] is not None) or kwargs.get("closure") is not None
            info.steps += 1
            info.total += 1
            session.names.before_step(frame)
            leaves = self.read_groups(info, optimizer, None)
            for leaf in leaves:
                tensor = leaf.ref()
                if tensor is not None:
                    session.follow(leaf, tensor)
            if not session.in_step:
                self._stepping.clear()  # of one whose step raised
            within = self._stepping[-1] if self._stepping else None
            self._stepping.append(info.key)
            self.last_step = sequence_number(), site
            session.emit(OptimizerStepped(session.step, info.key, session.places.key(site), closure, within))
            if not closure:
                self._measure(info, leaves)
            session.values.before_step(info.key, leaves)
            session.entered_step(quiet=not closure)
            info.step_started = True

    def _measure(self, info: OptimizerInfo, leaves: list[Leaf]) -> None:
        """Measure what the optimizer is about to use; this also serves as what backward left, if untouched."""
        grads = self.session.grads
        mine = {leaf.key for leaf in leaves}
        grads.pending = {key: leaf for key, leaf in grads.pending.items() if key not in mine}
        if grads.measuring:
            grads.measure(leaves, "step", info.key)
        # Others that accumulated: their model may be gone when the recording ends.
        grads.measure_pending()

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self.session.paused:
            if self.session.present():
                self.session.guard(self.session.sampling.passed, optimizer)
        elif self.session.here():
            self.session.guard(self._end, optimizer, args, kwargs)

    def _end(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        session = self.session
        session.left_step()
        with without_torch_function():
            info = self.info(optimizer)
            if info.key in self._stepping:
                del self._stepping[self._stepping.index(info.key) :]
            if not info.step_started:
                return
            info.step_started = False
            leaves = self.read_groups(info, optimizer, None)
            if bool(len(args) > 1 and args[1] is not None) or kwargs.get("closure") is not None:
                self._measure(info, leaves)
            session.values.after_step(info.key, leaves)
            session.replicas.stepped(info.key, leaves, info.total)
            if session.sampling.on or info.total <= UNOWNED or info.total % UNOWNED == 0:
                session.values.compare_unowned([leaf for leaf, _ in session.leaves.alive() if not leaf.owned])
            session.grads.used_by_step(leaves)
            session.step_done(info)
            session.mail.step_ended()
            session.sampling.stepped(info)
        session.progress()


def _number(value: Any) -> float | None:
    if isinstance(value, torch.Tensor):
        return float(value.detach()) if value.numel() == 1 and value.device.type == "cpu" else None
    return float(value) if isinstance(value, (int, float)) else None


def _momentum(group: dict[str, Any]) -> float | None:
    if "betas" in group:
        betas = group["betas"]
        return _number(betas[0]) if betas else None
    return _number(group.get("momentum"))
