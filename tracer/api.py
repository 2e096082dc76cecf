"""The Python interface: record, read, diagnose and draw. Every part is loaded when it is first used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx

    from tracer.diagnosis.findings import Report
    from tracer.drawing.source import Picture
    from tracer.recording.session import Session
    from tracer.traces import Trace

DETAILS = ("graph", "flow", "full")


class Recording:
    """What ``record`` gives: a context manager while it runs, the results afterwards."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trace: Trace | None = None  # once it is complete
        self._report: tuple[Trace, Report] | None = None

    def __enter__(self) -> Recording:
        self._session.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.__exit__(kind, error, traceback)
        self._trace = self._session.guard(lambda: self._session.trace)

    @property
    def trace(self) -> Trace:
        """What was recorded, as a plain value; complete once the ``with`` block has ended."""
        return self._session.trace if self._trace is None else self._trace

    @property
    def backwards(self) -> int:
        """How many calls of ``backward`` and ``autograd.grad`` were seen so far."""
        return self._session.backwards.count

    def report(self) -> Report:
        """Return the verdict on every parameter, with findings sorted worst first."""
        trace = self.trace
        if self._report is None or self._report[0] is not trace:
            self._report = (trace, diagnose(trace))
        return self._report[1]

    def graph(self) -> nx.MultiDiGraph[Any]:
        """Return the recorded graph, with leaves, module calls and optimizers."""
        return build_graph(self.trace)

    def draw(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Draw the annotated graph; the file's suffix chooses the format. See ``tracer.draw``."""
        return draw(self.trace, path, report=self.report(), **options)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trace to a file that ``tracer.load`` and ``tracer report`` read."""
        return save(self.trace, path)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Show picture and table in a notebook."""
        from tracer.reports import notebook

        return notebook.mimebundle(self.trace, self.report())


def record(
    model: Any = None,
    optimizer: Any = None,
    *,
    detail: str = "flow",
    values: bool = True,
    source: bool = True,
) -> Recording:
    """Record what happens to the gradients inside a ``with`` block.

    Args:
        model: an ``nn.Module``, a dict or list of them, or None for whatever runs inside the block.
        optimizer: an ``Optimizer``, a dict or list of them, or None for whatever steps inside the block.
        detail: "graph" (structure only), "flow" (also gradient summaries per leaf and module) or "full"
            (a summary at every autograd node).
        values: compare parameter values around each optimizer step.
        source: keep the source lines around each place.

    Raises:
        UsageError: when an argument is none of these.
    """
    from tracer.errors import UsageError

    if detail not in DETAILS:
        raise UsageError(f"detail is {detail!r}.", f"It may be {', '.join(map(repr, DETAILS))}.")
    from torch.nn import Module
    from torch.optim import Optimizer

    from tracer.recording.session import Session

    _check_kind(model, Module, "model", "an nn.Module")
    _check_kind(optimizer, Optimizer, "optimizer", "a torch.optim.Optimizer")
    return Recording(Session(model, optimizer, detail=detail, values=values, source=source))


def _check_kind(given: Any, kind: type, name: str, allowed: str) -> None:
    from tracer.errors import UsageError

    if given is None or isinstance(given, kind):
        return
    several = isinstance(given, Mapping | list | tuple)
    items = list(given.values()) if isinstance(given, Mapping) else list(given) if several else [given]
    wrong = next((item for item in items if not isinstance(item, kind)), None)
    if items and wrong is None:
        return
    seen = f"an empty {type(given).__name__}" if not items else f"a {type(wrong).__name__}"
    inside = f" in a {type(given).__name__}" if several and items else ""
    raise UsageError(f"{name} is {seen}{inside}.", f"Give {allowed}, a dict or list of them, or None.")


def diagnose(trace: Trace) -> Report:
    """Return the verdict on every parameter of a trace."""
    from tracer.diagnosis.engine import diagnose as judge
    from tracer.reports.notebook import shown

    return shown(trace, judge(trace))


def build_graph(trace: Trace) -> nx.MultiDiGraph[Any]:
    """Return the graph of a trace as a ``networkx.MultiDiGraph``."""
    from tracer.graphs.build import build_graph as build

    return build(trace)


def draw(
    trace: Trace,
    path: str | os.PathLike[str],
    *,
    report: Report | None = None,
    engine: str | None = None,
    theme: str = "auto",
    **options: Any,
) -> Path:
    """Draw the annotated graph of a trace to ``path``: ``.svg``, ``.png`` or ``.dot``.

    Args:
        engine: "dot" (Graphviz) or "graphviz-pure"; None takes the first that is there.
        theme: "light", "dark" or "auto".
    """
    from tracer.drawing.picture import draw as draw_picture

    known = diagnose(trace) if report is None else report
    return Path(draw_picture(trace, known, Path(path), engine=engine, theme=theme, **options))


def make_dot(
    var: Any,
    params: Mapping[str, Any] | None = None,
    show_attrs: bool = False,
    show_saved: bool = False,
    max_attr_chars: int = 50,
) -> Picture:
    """Draw the autograd graph behind a tensor that exists already: torchviz's call, nothing is run again.

    Args:
        var: a tensor, or a tuple of tensors: the loss.
        params: name -> tensor, as ``dict(model.named_parameters())``. Those that the graph does not reach are
            drawn too, marked.
        show_attrs: tell the attributes of each node, such as ``dim``. After a backward that freed the graph they
            are gone, and left out.
        show_saved: tell the shapes of the tensors that each node saved for its backward.
        max_attr_chars: longest attribute shown, in characters.

    Returns:
        A ``graphviz.Source``: ``render("loss", format="svg")``, or the last line of a notebook cell.

    Raises:
        UsageError: when ``var`` is no tensor or ``params`` no dict of tensors.
    """
    from tracer.drawing.picture import dot_text
    from tracer.drawing.source import Picture
    from tracer.recording.existing import trace_of_loss

    trace = trace_of_loss(var, params, attrs=max_attr_chars if show_attrs else 0, saved=show_saved)
    return Picture(dot_text(trace, None), filename="graph.gv", format="svg")


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace from a file, or from the folder that a run wrote."""
    from tracer.store.jsonl import load as read

    return read(path)


def save(trace: Trace, path: str | os.PathLike[str]) -> Path:
    """Write a trace to a file."""
    from tracer.store.jsonl import save as write

    return write(trace, path)


def merge(traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """Return the ranks of one job in order, checked to be of one job. Give it an iterable of traces."""
    from tracer.store.merge import merge_ranks

    return merge_ranks(traces)
