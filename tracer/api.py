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
    """What ``record`` gives: a context manager while it runs, the results afterwards.

    In a notebook it shows itself, picture and table, as the last line of a cell.
    """

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
        """Judge what was recorded. Judged once and kept.

        Returns:
            The verdict on every parameter, with findings sorted worst first.

        Example:
            ```python
            import torch
            import tracer

            model = torch.nn.Linear(4, 1)
            with tracer.record(model) as recording:
                model(torch.ones(2, 4)).sum().backward()
            for row in recording.report():
                print(row.name, row.verdict, row.message)
            ```
        """
        trace = self.trace
        if self._report is None or self._report[0] is not trace:
            self._report = (trace, diagnose(trace))
        return self._report[1]

    def graph(self) -> nx.MultiDiGraph[Any]:
        """Build the recorded graph; see ``tracer.build_graph``.

        Returns:
            Autograd nodes, leaves, module calls and optimizers, with the attributes that docs/graph.md lists.

        Example:
            ```python
            import torch
            import tracer

            model = torch.nn.Linear(4, 1)
            with tracer.record(model) as recording:
                model(torch.ones(2, 4)).sum().backward()
            graph = recording.graph()
            print(sum(kind == "leaf" for _, kind in graph.nodes(data="kind")))
            ```
        """
        return build_graph(self.trace)

    def draw(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Draw the annotated graph.

        Args:
            path: where to; its suffix chooses the format: ``.svg``, ``.png`` or ``.dot``.
            options: as for ``tracer.draw``.

        Returns:
            The path.

        Raises:
            UsageError: for another suffix.
            EngineError: when no layout engine is there.

        Example:
            ```python
            import torch
            import tracer

            model = torch.nn.Linear(4, 1)
            with tracer.record(model) as recording:
                model(torch.ones(2, 4)).sum().backward()
            recording.draw("graph.svg", theme="light")
            ```
        """
        return draw(self.trace, path, report=self.report(), **options)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trace to a file that ``tracer.load`` and ``tracer report`` read.

        Args:
            path: where to; with a name that ends in ``.gz`` it is compressed.

        Returns:
            The path.

        Raises:
            UsageError: when the path cannot be written.

        Example:
            ```python
            import torch
            import tracer

            model = torch.nn.Linear(4, 1)
            with tracer.record(model) as recording:
                model(torch.ones(2, 4)).sum().backward()
            recording.save("run.jsonl.gz")
            ```
        """
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
    every: int = 1,
    first: int = 10,
) -> Recording:
    """Record what happens to the gradients inside a ``with`` block.

    Args:
        model: an ``nn.Module``, a dict or list of them, or None for whatever runs inside the block.
        optimizer: an ``Optimizer``, a dict or list of them, or None for whatever steps inside the block.
        detail: "graph" (structure only), "flow" (also gradient summaries per leaf and module) or "full"
            (a summary at every autograd node).
        values: compare parameter values around each optimizer step.
        source: keep the source lines around each place.
        every: record only every so many optimizer steps, besides the first ones; the steps in between are counted.
            When the model, its graph or an optimizer's parameters change, ``first`` steps in a row are recorded again;
            after NaN or Inf all are.
        first: with ``every`` above 1, the first so many steps are all recorded.

    Returns:
        The recording, to be entered with ``with``. Its results are complete when the block has ended.

    Raises:
        UsageError: when an argument is none of these.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        with tracer.record(model, optimizer) as recording:
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()

        assert recording.report()["weight"].verdict == "updated"
        ```
    """
    from tracer.errors import UsageError

    if detail not in DETAILS:
        raise UsageError(f"detail is {detail!r}.", f"It may be {', '.join(map(repr, DETAILS))}.")
    from torch.nn import Module
    from torch.optim import Optimizer

    from tracer.recording.sampling import Cadence
    from tracer.recording.session import Session

    _check_kind(model, Module, "model", "an nn.Module")
    _check_kind(optimizer, Optimizer, "optimizer", "a torch.optim.Optimizer")
    cadence = Cadence(every, first)
    return Recording(Session(model, optimizer, detail=detail, values=values, source=source, cadence=cadence))


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
    """Judge every parameter of a trace. Needs no PyTorch.

    Args:
        trace: what ``recording.trace`` or ``tracer.load`` gave.

    Returns:
        The verdict on every parameter, with findings sorted worst first.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        with tracer.record(model) as recording:
            model(torch.ones(2, 4)).sum().backward()
        report = tracer.diagnose(recording.trace)
        print(report["weight"].verdict)
        ```
    """
    from tracer.diagnosis.engine import diagnose as judge
    from tracer.reports.notebook import shown

    return shown(trace, judge(trace))


def build_graph(trace: Trace) -> nx.MultiDiGraph[Any]:
    """Build the whole graph of a trace, unfolded. Needs no PyTorch.

    Args:
        trace: what ``recording.trace`` or ``tracer.load`` gave.

    Returns:
        A ``networkx.MultiDiGraph``; docs/graph.md lists what nodes and edges carry.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        with tracer.record(model) as recording:
            model(torch.ones(2, 4)).sum().backward()
        graph = tracer.build_graph(recording.trace)
        print(graph.number_of_nodes(), graph.number_of_edges())
        ```
    """
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
        trace: what ``recording.trace`` or ``tracer.load`` gave.
        path: where to; its suffix chooses the format.
        report: what ``tracer.diagnose`` gave for this trace; None judges it now.
        engine: "dot" (Graphviz) or "graphviz-pure"; None takes the first that is there.
        theme: "light", "dark" or "auto".
        options: ``depth`` (levels of modules that are open), ``focus`` (a parameter or module: all others are
            closed), ``expand`` (globs of modules to open), ``only_problems`` (leave healthy leaves out),
            ``rankdir`` ("LR", "TB", "BT", "RL"), ``timeout`` (seconds for the layout).

    Returns:
        The path.

    Raises:
        UsageError: for another suffix.
        EngineError: when no layout engine is there; ``.dot`` needs none.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Linear(4, 1))
        with tracer.record(model) as recording:
            model(torch.ones(2, 4)).sum().backward()
        tracer.draw(recording.trace, "graph.svg", depth=1)
        tracer.draw(recording.trace, "graph.dot", only_problems=True)
        ```
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

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        loss = model(torch.ones(2, 4)).sum()
        tracer.make_dot(loss, params=dict(model.named_parameters())).render("loss", format="svg")
        ```
    """
    from tracer.drawing.picture import dot_text
    from tracer.drawing.source import Picture
    from tracer.recording.existing import trace_of_loss

    trace = trace_of_loss(var, params, attrs=max_attr_chars if show_attrs else 0, saved=show_saved)
    return Picture(dot_text(trace, None), filename="graph.gv", format="svg")


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace. Needs no PyTorch.

    Args:
        path: a file that ``save`` wrote, or the folder that ``tracer run`` wrote.

    Returns:
        The trace.

    Raises:
        TraceFileError: when there is none, or it is damaged.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        with tracer.record(model) as recording:
            model(torch.ones(2, 4)).sum().backward()
        recording.save("run.jsonl.gz")

        trace = tracer.load("run.jsonl.gz")
        print(trace.header.torch, len(trace.events))
        ```
    """
    from tracer.store.jsonl import load as read

    return read(path)


def save(trace: Trace, path: str | os.PathLike[str]) -> Path:
    """Write a trace to a file, as ``recording.save`` does.

    Args:
        trace: what ``recording.trace`` or ``tracer.load`` gave.
        path: where to; with a name that ends in ``.gz`` it is compressed.

    Returns:
        The path.

    Raises:
        UsageError: when the path cannot be written.

    Example:
        ```python
        import torch
        import tracer

        model = torch.nn.Linear(4, 1)
        with tracer.record(model) as recording:
            model(torch.ones(2, 4)).sum().backward()
        tracer.save(recording.trace, "run.jsonl")
        ```
    """
    from tracer.store.jsonl import save as write

    return write(trace, path)


def merge(traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """Put the traces of the ranks of one job in order, and check that they are of one job.

    Args:
        traces: one for each rank, in any order.

    Returns:
        The traces by rank.

    Raises:
        UsageError: when there is no trace, a rank comes twice, or the traces are of different jobs.

    Example:
        ```python
        import tracer

        ranks = [tracer.Trace(tracer.Header(rank=rank, world_size=2)) for rank in (1, 0)]
        assert [trace.header.rank for trace in tracer.merge(ranks)] == [0, 1]
        ```
    """
    from tracer.store.merge import merge_ranks

    return merge_ranks(traces)
