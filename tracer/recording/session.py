"""One recording: attaches every hook, counts steps, and takes everything off again.

The rule of the whole package: a hook of ours returns None, keeps no tensor, and never raises. What fails is
switched off, told once, and noted in the trace.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Any, TypeVar

import torch

from tracer.errors import UsageError
from tracer.events import ErrorRaised, Event, Noted, PlaceSeen, RequiresGradChanged, StepsPassed
from tracer.recording import constructors, files, torch_compat
from tracer.recording.accumulation import Accumulation
from tracer.recording.backwards import Backwards
from tracer.recording.clearing import Clearing
from tracer.recording.custom_functions import CustomFunctions
from tracer.recording.cuts import CutSide
from tracer.recording.dropped import Flow
from tracer.recording.functions import FunctionMode
from tracer.recording.grads import Grads
from tracer.recording.hooks import UserHooks
from tracer.recording.keeping import Keeping
from tracer.recording.leaves import Leaf, Leaves
from tracer.recording.mailbox import Mailbox
from tracer.recording.module_hooks import ModuleHooks
from tracer.recording.modules import Modules
from tracer.recording.names import Names
from tracer.recording.numbers import OldNumbers
from tracer.recording.optimizers import OptimizerInfo, Optimizers
from tracer.recording.patches import Patch, Patches
from tracer.recording.places import Places, Site, user_site
from tracer.recording.plain_tensors import PlainTensors
from tracer.recording.replicas import Replicas
from tracer.recording.resuming import start_afresh
from tracer.recording.sampling import Cadence, Sampling
from tracer.recording.sequence import Origins
from tracer.recording.settled import Settled
from tracer.recording.stages import Stages
from tracer.recording.torch_compat import without_torch_function
from tracer.recording.values import Values
from tracer.store.log import EventLog
from tracer.traces import Header, Trace

R = TypeVar("R")

#: Events kept at most; beyond it new ones are counted and dropped.
EVENTS = 5_000_000
DETAILS = ("graph", "flow", "full")
_open: list[Session] = []


class Session:
    """Records what happens between ``start`` and ``stop`` in the thread that started it.

    Recordings may overlap, one inside another or not: each sees the whole of what runs while it does.

    Args:
        models: the root modules to follow: a module, a list or a dict by name; None = whatever runs.
        optimizers: those to follow from the start; others are met when they step.
        detail: "graph" (no gradient values), "flow" (a gradient summary per leaf and, on graphs of moderate
            size, per node up to 16,384 elements) or "full" (a summary at every node).
        values: whether parameter values are compared around steps.
        program: name for the header.
        source: whether source lines are kept in the trace.
        functions: whether torch functions are watched; without, source lines of operations and cuts are missing.
        cadence: which steps are recorded; None = all.

    Raises:
        UsageError: for arguments of other kinds.
    """

    def __init__(
        self,
        models: torch.nn.Module | Mapping[str, torch.nn.Module] | Iterable[torch.nn.Module] | None = None,
        optimizers: Any = None,
        *,
        detail: str = "flow",
        values: bool = True,
        program: str = "",
        source: bool = True,
        functions: bool = True,
        cadence: Cadence | None = None,
    ) -> None:
        if detail not in DETAILS:
            raise UsageError(f"detail={detail!r} is unknown.", f"Choose one of {', '.join(DETAILS)}.")
        self.detail = detail
        self.compare = values
        self._functions = functions
        self._watching = False  #: the function mode was entered
        self.program = program
        self.events = EventLog(strip=OldNumbers())
        self.mail = Mailbox(self)
        self._lines: list[Event] = []  #: the places, which stand first in a trace
        self.step = 1
        self.in_step = 0
        self.alarmed = False
        #: line, name, shape and sequence number of the last in-place calls
        self.inplace: deque[tuple[Site | None, str, tuple[int, ...], int]] = deque(maxlen=256)
        self.told_errors: set[int] = set()
        self.places = Places(self.emit, source=source)
        self.origins = Origins()
        self.leaves = Leaves()
        self.names = Names(self)
        self.stages = Stages(self)
        self.modules = Modules(self)
        self.cut_side = CutSide(self)
        self.hooks = UserHooks(self)
        self.custom = CustomFunctions(self)
        self.module_hooks = ModuleHooks(self)
        self.flow = Flow(self)
        self.plain = PlainTensors()
        self.packed = False  #: the user's program packs what nodes save (checkpointing, offloading)
        self.grads = Grads(self)
        self.accumulation = Accumulation(self)
        self.clearing = Clearing(self)
        self.values = Values(self)
        self.replicas = Replicas(self)
        self.optimizers = Optimizers(self)
        self.backwards = Backwards(self)
        self.mode = FunctionMode(self)
        self.settled = Settled(self)
        self.sampling = Sampling(self, cadence or Cadence())
        self.paused = False  #: steps pass unseen, but for being counted
        self._given_optimizers = _as_optimizers(optimizers)
        given = _as_models(models)
        if given is not None:
            self.names.give(given)
        self._handles: list[Any] = []
        self._call_handles: list[Any] = []
        self._hook_ids: set[int] = set()
        self._patches = Patches()
        self._thread = -1
        self._pid = -1
        self._running = False
        self._failures: set[str] = set()
        self._elsewhere: set[str] = set()
        self._dropped = 0
        self._error: BaseException | None = None
        self._head: list[Event] = []
        self._keeping: Keeping | None = None

    # ------------------------------------------------------------------ start and stop

    def start(self) -> None:
        """Attach everything; other recordings may be running. Raises UsageError when this one is already."""
        if self._running:
            raise UsageError("this recording is already running.", "Leave it before entering it again.")
        self._thread = threading.get_ident()
        self._pid = os.getpid()
        self._running = True
        _open.append(self)
        try:
            self._attach()
        except BaseException:
            self._detach()
            raise

    def _attach(self) -> None:
        """Attach part by part: what fails is missing from the recording, and the program runs all the same."""
        for missing in torch_compat.MISSING:
            self.emit(Noted(missing))
        for part in (self.modules.attach, self.optimizers.attach):
            self.guard(part, self._handles)
        self.guard(self._attach_calls)
        constructed = (self._constructors, self._files, self.custom.patches, self.module_hooks.patches)
        stepping = (self.backwards.patches, self.optimizers.patches, self.clearing.patches)
        for find in (*stepping, *constructed, self._hidden_hooks):
            for patch in self.guard(find) or []:
                self.guard(self._patches.put, patch)
        self.guard(self._register_given)
        self.guard(self._enter_mode, self._functions)

    def _attach_calls(self) -> None:
        """Watch the calls of modules."""
        self.guard(self.modules.attach_to_calls, self._call_handles)
        self._hook_ids.update(handle.id for handle in self._call_handles)

    def _enter_mode(self, functions: bool) -> None:
        self.mode.quiet = not functions
        self._watching = functions
        if functions:
            self.mode.come_back()
        else:
            self.note_once("torch functions were not watched: lines of operations and cuts are missing")

    def _register_given(self) -> None:
        with without_torch_function(), self.values.together():
            for name, optimizer in self._given_optimizers:
                info = self.optimizers.info(optimizer)
                info.name = name
                for leaf in self.optimizers.read_groups(info, optimizer, None):
                    tensor = leaf.ref()
                    if tensor is not None:
                        self.follow(leaf, tensor)
            given, self._given_optimizers = bool(self._given_optimizers), []
            if self.names.given is not None or given:
                self.names.refresh()
                self.names._look(sys._getframe(2))
                for leaf, tensor in self.leaves.alive():
                    self.follow(leaf, tensor)

    def _hidden_hooks(self) -> list[Patch]:
        return torch_compat.global_hook_question(self._hook_ids)

    def _constructors(self) -> list[Patch]:
        return constructors.patches(self)

    def _files(self) -> list[Patch]:
        return files.patches(self)

    def stop(self, error: BaseException | None = None) -> None:
        """Take everything off, in any case; look at the values a last time."""
        if not self._running:
            return
        self._error = error
        try:
            self.guard(self._finish)
            self.guard(self.mail.wait)
        finally:
            self._detach()

    def _detach(self) -> None:
        """Take everything off: each part also when another fails."""
        self._running = False
        if self in _open:
            _open.remove(self)
        self._detach_from_steps()
        self.guard(self._patches.take_off)
        while self._handles:
            self.guard(self._handles.pop().remove)

    def _detach_from_steps(self) -> None:
        """Take off what sees a step from inside, all but the hooks that tell of its begin and end."""
        self.guard(self.mode.wake)
        left = self.guard(torch_compat.leave_function_mode, self.mode)
        self.mode.set_aside = not left and (self._watching or self.mode.set_aside)
        self._watching = False
        self.guard(self._mode_left)
        self.mode.quiet = True  # in another thread than the one that entered it, it cannot be taken off
        self.guard(self.hooks.disarm)
        while self._call_handles:
            self.guard(self._call_handles.pop().remove)
        for leaf in self.leaves.all:
            leaf.hooked = leaf.compared = False
            while leaf.handles:
                self.guard(leaf.handles.pop().remove)

    def pause(self) -> None:
        """Let steps pass unseen until ``resume``: only those of optimizers are counted."""
        if self._running and not self.paused:
            self.guard(self.grads.measure_pending)
            self.paused = True
            self._detach_from_steps()

    def resume(self, passed: StepsPassed) -> None:
        """Record again; nothing is known of the steps that passed."""
        if self._running and self.paused:
            self.paused = False
            self.in_step = 0
            functions = self._functions and torch_compat.user_function_modes() == 0
            self.guard(start_afresh, self, passed, functions)
            self.guard(self._attach_calls)
            self.guard(self._enter_mode, functions)

    def _mode_left(self) -> None:
        """Take the mode off plainly where the careful way has failed."""
        if torch_compat.current_function_mode() is self.mode:
            self.mode.__exit__(None, None, None)

    def _finish(self) -> None:
        with without_torch_function():
            self.grads.measure_pending()
            self.names.refresh()
            self.flow.tell([leaf for leaf, _ in self.leaves.alive() if leaf.requires_grad])
            passed = self.sampling.end()
            if passed is not None:
                self.values.start_afresh(list(self.leaves.alive()), passed)
            elif not self.paused:
                self.values.compare_outside([leaf for leaf, _ in self.leaves.alive()])
            for leaf, tensor in self.leaves.alive():
                if bool(tensor.requires_grad) != leaf.requires_grad:
                    self.toggled(tensor, None)
        if self._error is not None and id(self._error) not in self.told_errors:
            self._note_error(self._error)
        self._head = list(self.names.introduce())

    def _note_error(self, error: BaseException) -> None:
        if isinstance(error, SystemExit):
            return
        trail = error.__traceback__
        site: Site | None = None
        while trail is not None:
            frame_site = user_site(trail.tb_frame)
            if frame_site is not None and frame_site[0] is trail.tb_frame.f_code:
                site = (trail.tb_frame.f_code, trail.tb_lasti)
            trail = trail.tb_next
        self.emit(ErrorRaised(self.step, type(error).__name__, str(error)[:500], self.places.key(site)))

    def __enter__(self) -> Session:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trail: TracebackType | None
    ) -> None:
        self.stop(error)

    # ------------------------------------------------------------------ the trace

    @property
    def trace(self) -> Trace:
        """What was recorded so far; complete after ``stop``. Waits for what is on its way from a device."""
        if self._running:
            self.guard(self.mail.wait)
        return self._so_far()

    def _so_far(self) -> Trace:
        header = self._header()
        head = list(self.names.introduce()) if self._running else self._head
        notes = []
        if self._running:
            notes.append(Noted("the recording had not ended when this was kept: what came later is missing"))
        if self._dropped:
            notes.append(Noted(f"{self._dropped} events beyond the limit of {EVENTS} were not kept"))
        sampled = self.sampling.note()
        if sampled:
            notes.append(Noted(sampled))
        return Trace(header, self.events.events((*self._lines, *head), notes))

    def _header(self) -> Header:
        devices = sorted({leaf.device for leaf in self.leaves.all})
        rank, world = self.guard(_rank) or (0, 1)
        return Header(
            torch=str(torch.__version__),
            python=platform.python_version(),
            detail=self.detail,
            device=",".join(devices) or "cpu",
            rank=rank,
            world_size=world,
            steps=max((info.total for info in self.optimizers.all), default=0),
            backwards=self.backwards.outermost,
            values_compared=self.compare,
            program=self.program,
            finished=not self._running,
            gpus=self.guard(_gpus, devices) or (),
        )

    def emit(self, event: Event) -> None:
        """Append one event."""
        if isinstance(event, PlaceSeen):
            self._lines.append(event)
        elif self.mail.holds:
            self.mail.put(event)
        elif len(self.events) < EVENTS:
            self.events.append(event)
        else:
            self._dropped += 1

    # ------------------------------------------------------------------ used by the parts

    def here(self, what: str = "") -> bool:
        """Tell whether this thread and process are the ones that record.

        Args:
            what: what is missing from the recording when another thread of this process does it; noted once.
        """
        if self.paused or not self._running or os.getpid() != self._pid:
            return False
        if threading.get_ident() == self._thread:
            return not self.in_graph()
        if what and what not in self._elsewhere:
            self._elsewhere.add(what)
            self.emit(Noted(f"another thread than the one that records {what}"))
        return False

    def present(self) -> bool:
        """Tell the same of one that may be paused."""
        return self._running and os.getpid() == self._pid and threading.get_ident() == self._thread

    def in_graph(self) -> bool:
        """Tell whether a CUDA graph is being captured: nothing of ours may get into it, and nothing can be read."""
        if not torch_compat.is_recording_graph():
            return False
        self.guard(
            self.note_once,
            "a CUDA graph was captured: what it does when it is replayed cannot be looked into; only what it leaves is "
            "seen",
        )
        return True

    def guard(self, work: Callable[..., R], *args: Any) -> R | None:
        """Call ``work``; a failure is noted and told, never raised."""
        try:
            return work(*args)
        except Exception as problem:
            self.failed(getattr(work, "__qualname__", str(work)), problem)
            return None

    def apart(self, work: Callable[..., R], *args: Any) -> R | None:
        """Call ``work`` so that nothing the user has switched on sees what it does; a failure is noted and told."""
        try:
            with without_torch_function():
                return work(*args)
        except Exception as problem:
            self.failed(getattr(work, "__qualname__", str(work)), problem)
            return None

    def safely(self, work: Callable[..., None]) -> Callable[..., None]:
        """Return ``work`` as a hook for PyTorch: it returns None and never raises."""

        def hook(*args: Any) -> None:
            if torch_compat.is_compiling():
                return
            try:
                with without_torch_function():
                    work(*args)
            except Exception as problem:
                self.failed(getattr(work, "__qualname__", str(work)), problem)

        return hook

    def failed(self, where: str, problem: Exception) -> None:
        """Note a failure of the tracer itself, once per place; the first is warned of."""
        if where in self._failures:
            return
        first = not self._failures
        self._failures.add(where)
        text = f"the tracer failed in {where} ({type(problem).__name__}: {problem}); what it watches there is missing"
        with suppress(Exception):
            self.emit(Noted(text[:500]))
        if os.environ.get("TRACER_DEBUG"):
            import traceback

            traceback.print_exc()
        if not first:
            return
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(text[:500], RuntimeWarning, stacklevel=2)

    def note_once(self, text: str) -> None:
        """Note what is not recorded, once."""
        if text not in self._failures:
            self._failures.add(text)
            self.emit(Noted(text))

    def mode_again(self) -> AbstractContextManager[Any]:
        """Switch the function mode on inside one of its own handlers, for Python code run by the engine."""
        return self.mode if torch_compat.current_function_mode() is not self.mode else nullcontext()

    def follow(self, leaf: Leaf, tensor: torch.Tensor) -> None:
        """Put the post-accumulate hook on a leaf, once, and take its starting value."""
        tensor = leaf.trained(tensor)  # what stands in for a sharded parameter is not what is trained
        if not self.paused:
            self.accumulation.hook(leaf, tensor)
        self.values.first_seen(leaf, tensor)

    def toggled(self, tensor: torch.Tensor, site: Site | None) -> None:
        """``requires_grad`` was set on a tensor."""
        leaf = self.leaves.find(tensor)
        with without_torch_function():
            now = bool(tensor.requires_grad)
        if leaf is None and now and tensor.is_leaf:
            self.leaves.born(tensor, site)
        if leaf is not None and now != leaf.requires_grad:
            leaf.requires_grad = now
            self.settled.stir()
            self.sampling.changed("requires_grad of a parameter changed")
            self.emit(RequiresGradChanged(self.step, leaf.key, now, self.places.key(site)))

    def entered_step(self, *, quiet: bool) -> None:
        self.settled.stir()
        self.settled.wake()
        self.in_step += 1
        if quiet:
            self.mode.rest()

    def left_step(self) -> None:
        self.in_step = max(0, self.in_step - 1)
        if not self.in_step:
            self.mode.wake()

    def step_broke_off(self) -> None:
        """Work goes on outside any step although one never ended: it raised."""
        self.in_step = 0
        self.mode.wake()

    def maybe_next_step(self, stepping: OptimizerInfo | None = None) -> None:
        """Advance the step label: when every optimizer has stepped, or one is about to step again."""
        infos = [info for info in self.optimizers.all if info.ref() is not None]
        again = stepping is not None and stepping.steps > 0 and not self.in_step and not self.backwards._depth
        everyone = stepping is None and bool(infos) and all(info.steps for info in infos) and not self.in_step
        if again or everyone:
            self.step += 1
            for info in infos:
                info.steps = 0

    def keep(self, save: Callable[[Trace], object]) -> None:
        """From now on, save the trace now and then while the program runs; what cannot be saved is told once."""
        self._keeping = Keeping(self._so_far, save)
        self.progress()

    def progress(self) -> None:
        """A step or an outermost backward has ended."""
        self.guard(self.sampling.quiet)
        if self._keeping is not None:
            self.guard(self._keeping.progress)

    def step_done(self, info: OptimizerInfo) -> None:
        """An optimizer's step has ended: old logs may go."""
        self.origins.step_ended()
        self.cut_side.far.step_ended()
        self.flow.step_ended()


def _quiet_after_fork() -> None:
    # a DataLoader's worker inherits the mode; what it computes is not recorded, so it need not be watched
    for session in _open:
        session.mode.quiet = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_quiet_after_fork)


def recording_runs() -> bool:
    """Tell whether a recording is running in this process."""
    return bool(_open)


def _as_models(models: Any) -> list[tuple[str, torch.nn.Module]] | None:
    if models is None:
        return None
    if isinstance(models, torch.nn.Module):
        return [("", models)]
    if isinstance(models, Mapping):
        pairs = [(str(name), module) for name, module in models.items()]
    elif isinstance(models, (list, tuple)):
        pairs = [("", module) for module in models]
    else:
        raise UsageError(
            f"model is a {type(models).__name__}.", "Give a torch.nn.Module, a list or dict of them, or None."
        )
    for _, module in pairs:
        if not isinstance(module, torch.nn.Module):
            raise UsageError(f"one of the models is a {type(module).__name__}.", "Each must be a torch.nn.Module.")
    return pairs


def _as_optimizers(optimizers: Any) -> list[tuple[str, Any]]:
    if optimizers is None:
        return []
    if isinstance(optimizers, Mapping):
        pairs = [(str(name), one) for name, one in optimizers.items()]
    elif isinstance(optimizers, (list, tuple)):
        pairs = [("", one) for one in optimizers]
    else:
        pairs = [("", optimizers)]
    for _, one in pairs:
        if not hasattr(one, "param_groups") or not hasattr(one, "step"):
            raise UsageError(f"an optimizer is a {type(one).__name__}.", "Give torch.optim.Optimizer objects, or None.")
    return pairs


def _rank() -> tuple[int, int]:
    distributed = getattr(torch, "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    return (int(rank), int(size)) if rank.isdecimal() and size.isdecimal() else (0, 1)


def _gpus(devices: list[str]) -> tuple[tuple[str, str, int], ...]:
    if not torch.cuda.is_available():
        return ()
    return tuple(
        (name, torch.cuda.get_device_name(name), torch.cuda.max_memory_allocated(name))
        for name in devices
        if name.startswith("cuda")
    )
