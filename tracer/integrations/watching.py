"""``tracer.watch``: for long runs. Attach once, record a step now and then, next to nothing in between.

Between samples one call stands around ``optimizer.step`` that counts; no hook is on the model, and no function
mode is active. A sample lasts from the end of one step to the end of the next.
"""

from __future__ import annotations

import functools
import types
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from tracer.diagnosis.findings import Report
from tracer.errors import UsageError
from tracer.integrations.samples import Sample, sample_of
from tracer.integrations.sinks import Sink, sinks_of
from tracer.integrations.sustained import Sustained
from tracer.integrations.wrappers import each, inner_model, inner_optimizer

if TYPE_CHECKING:
    from tracer.traces import Trace


def watch(
    model: Any,
    optimizer: Any,
    *,
    every: int = 100,
    first: int = 1,
    sink: Any = "logging",
    patience: int = 2,
    detail: str = "flow",
) -> Watcher:
    """Watch a long run: record every ``every``-th optimizer step, and tell what does not train.

    Args:
        model: an ``nn.Module``, or a dict or list of them; what DataParallel, DistributedDataParallel and
            ``torch.compile`` wrap is taken out.
        optimizer: an ``Optimizer``, or a dict or list of them; the steps of the last one are counted. Wrappers
            of Accelerate and Lightning are taken off.
        every: steps from one sample to the next.
        first: the first so many steps are all recorded.
        sink: where results go: "logging", a path ending in ``.jsonl``, "tensorboard", "wandb", "mlflow", a
            TensorBoard ``SummaryWriter``, a W&B or MLflow run, a function of one ``Sample``, or a list of these.
        patience: a finding is told once it has held in so many samples in a row, and again when it has been
            absent in as many.
        detail: as for ``tracer.record``.

    Returns:
        The watcher. ``unwatch()`` ends it; so does leaving its ``with`` block.

    Raises:
        UsageError: for arguments of other kinds.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        with tracer.watch(model, optimizer, every=5, sink="samples.jsonl"):
            for _ in range(10):
                optimizer.zero_grad()
                model(torch.ones(8, 4)).pow(2).mean().backward()
                optimizer.step()
        ```
    """
    if every < 1 or first < 0 or patience < 1:
        raise UsageError(
            f"every={every}, first={first}, patience={patience}.", "Each must be positive (first may be 0)."
        )
    watcher = Watcher(model, optimizer, every, first, sinks_of(sink), patience, detail)
    watcher._begin()
    return watcher


def unwatch(watcher: Watcher) -> None:
    """End a watch: the same as ``watcher.unwatch()``.

    Args:
        watcher: what ``watch`` returned.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        watcher = tracer.watch(model, torch.optim.SGD(model.parameters(), lr=0.1))
        tracer.unwatch(watcher)
        ```
    """
    watcher.unwatch()


class Watcher:
    """What ``watch`` returns. It holds model and optimizers weakly, and lives as long as the counted optimizer."""

    def __init__(
        self, model: Any, optimizer: Any, every: int, first: int, sinks: list[Sink], patience: int, detail: str
    ) -> None:
        from tracer.api import record

        model, optimizer = each(model, inner_model), each(optimizer, inner_optimizer)
        record(model, optimizer, detail=detail)  # checks the arguments
        self.step = 0  #: optimizer steps counted so far
        self.report: Report | None = None  #: of the last sample
        self._every, self._first, self._detail = every, first, detail
        self._sinks = sinks
        self._sustained = Sustained(patience)
        self._models, self._optimizers = _weakly(model), _weakly(optimizer)
        self._recording: Any = None
        self._closed = False

    @property
    def findings(self) -> tuple[str, ...]:
        """Codes of the findings that hold now, as ``TR202 encoder.weight``."""
        return self._sustained.holding

    # ------------------------------------------------------------------ around optimizer.step

    def _begin(self) -> None:
        counted = list(_things(self._optimizers))
        if not counted:
            raise UsageError("there is no optimizer to watch.", "Give the optimizer whose steps are to be counted.")
        _put_around_step(counted[-1], self)
        weakref.finalize(counted[-1], self.unwatch).atexit = False
        if self._due():
            self._start()

    def _due(self) -> bool:
        following = self.step + 1
        return following <= self._first or following % self._every == 0

    def _stepped(self) -> None:
        """The counted optimizer has stepped; never raises."""
        self.step += 1
        try:
            if self._recording is not None:
                self._finish()
            if not self._closed and self._due():
                self._start()
        except Exception as problem:
            self._recording = None
            self._lost(problem)

    def _start(self) -> None:
        from tracer.integrations.sampling import start_sample

        models, optimizers = _alive(self._models), _alive(self._optimizers)
        if models is not None and optimizers is not None:
            self._recording = start_sample(models, optimizers, self._detail)

    def _finish(self) -> None:
        recording, self._recording = self._recording, None
        recording.__exit__(None, None, None)
        self.report = recording.report()
        self._keep_names(recording.trace)
        started, ended = self._sustained.add(self.report)
        sample = sample_of(self.step, self.report, started, ended)
        self._sinks = [sink for sink in self._sinks if self._hand_over(sink, sample)]

    def _keep_names(self, trace: Trace) -> None:
        """Give the next sample the names that this one looked for in the program's frames."""
        from tracer.events import ModelSeen, OptimizerSeen

        if isinstance(self._models, weakref.ref):
            self._models = {next(model.name for model in trace.of(ModelSeen)): self._models}
        if isinstance(self._optimizers, weakref.ref):
            self._optimizers = {next(known.name for known in trace.of(OptimizerSeen)): self._optimizers}

    def _hand_over(self, sink: Sink, sample: Sample) -> bool:
        """Give a sample to a sink; return whether the sink took it."""
        try:
            sink.write(sample)
        except Exception as problem:
            self._lost(problem, f"the sink {type(sink).__name__} failed and gets nothing more")
            return False
        return True

    def _lost(self, problem: Exception, what: str = "a sample was lost") -> None:
        warnings.warn(f"tracer.watch: {what} ({type(problem).__name__}: {problem})", RuntimeWarning, stacklevel=2)

    # ------------------------------------------------------------------ the end

    def unwatch(self) -> None:
        """Take everything off and close the sinks; a sample that is under way is dropped. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._recording is not None:
            recording, self._recording = self._recording, None
            recording.__exit__(None, None, None)
        for optimizer in _things(self._optimizers):
            if optimizer is not None:
                _take_off(optimizer, self)
        for sink in self._sinks:
            sink.close()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exc: object) -> None:
        self.unwatch()

    def __reduce__(self) -> Any:
        raise TypeError("a tracer.watch cannot be pickled: call watch again where it is loaded")


def _put_around_step(optimizer: Any, watcher: Watcher) -> None:
    """Put a counting call around ``optimizer.step`` of this one object.

    It is a bound method, because learning rate schedulers rebind ``optimizer.step.__func__``, and it keeps the
    attributes that they look for. What stood there before is kept on the function itself, which only the
    optimizer owns.
    """
    own = vars(optimizer).get("step")  # put there by a scheduler or another watch
    original = optimizer.step
    function = getattr(original, "__func__", None)

    @functools.wraps(original)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original_of(step)(*args, **kwargs) if function is None else function(self, *args, **kwargs)
        if not watcher._closed and not _compiling():
            watcher._stepped()
        return result

    step.__dict__[_MARK] = (watcher, None if own is None else function or original, function is None)
    optimizer.step = types.MethodType(step, optimizer)


def original_of(step: Any) -> Any:
    """Return the plain function that a counting call stands around."""
    return step.__dict__[_MARK][1]


def _take_off(optimizer: Any, watcher: Watcher) -> None:
    """Undo ``_put_around_step``; where somebody has wrapped it since, it stays and only passes through."""
    mark = getattr(vars(optimizer).get("step"), "__dict__", {}).get(_MARK)
    mark = mark or getattr(getattr(vars(optimizer).get("step"), "__func__", None), "__dict__", {}).get(_MARK)
    if mark is None or mark[0] is not watcher:
        return
    _, former, plain = mark
    if former is None:
        del optimizer.step
    else:
        optimizer.step = former if plain else types.MethodType(former, optimizer)


_MARK = "_tracer_watch"


def _compiling() -> bool:
    import torch

    return bool(torch.compiler.is_compiling())


def _weakly(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: weakref.ref(thing) for name, thing in given.items()}
    if isinstance(given, (list, tuple)):
        return [weakref.ref(thing) for thing in given]
    return None if given is None else weakref.ref(given)


def _things(refs: Any) -> Any:
    refs = refs.values() if isinstance(refs, dict) else refs if isinstance(refs, list) else [refs]
    return (ref() for ref in refs if ref is not None)


def _alive(refs: Any) -> Any:
    """Return what was given, or None when a part of it is gone."""
    if refs is None or any(thing is None for thing in _things(refs)):
        return None
    if isinstance(refs, dict):
        return {name: ref() for name, ref in refs.items()}
    return [ref() for ref in refs] if isinstance(refs, list) else refs()
