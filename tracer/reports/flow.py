"""Gradients and updates along depth and steps: one row per parameter, in the order in which values meet them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import TypeGuard

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.events import BackwardStarted, Event, GradMeasured, GraphSeen, ValueMeasured
from tracer.traces import Trace

#: Columns of the heat map; more steps are put together, each column showing its last measured step.
COLUMNS = 120


@dataclass(frozen=True, slots=True)
class Spread:
    """What a number did over the steps."""

    low: float
    middle: float  #: median
    high: float
    count: int  #: steps with a finite number above zero


@dataclass(frozen=True, slots=True)
class Flow:
    """One parameter over the steps of the recording."""

    leaf: int
    name: str
    model: str
    verdict: str
    matrix: bool  #: two or more dimensions
    reached: bool  #: a recorded graph holds it
    norms: tuple[float | None, ...]  #: gradient norm per column; None = no gradient, or not measured
    ratios: tuple[float | None, ...]  #: L2 of the update by L2 of the value, per column

    @property
    def norm(self) -> Spread | None:
        """The gradient norms above zero; None where there are none."""
        return spread(self.norms)

    @property
    def ratio(self) -> Spread | None:
        """The update-to-weight ratios above zero; None where there are none."""
        return spread(self.ratios)


@dataclass(frozen=True, slots=True)
class Flows:
    """All parameters, nearest to the input first; ``steps`` holds the step that each column shows."""

    steps: tuple[int, ...]
    rows: tuple[Flow, ...]

    @property
    def layers(self) -> tuple[Flow, ...]:
        """The weight matrices in reach of a graph or with a verdict to tell; all rows where none is a matrix."""
        matrices = tuple(row for row in self.rows if row.matrix and row.verdict != "frozen")
        return matrices or self.rows


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return the range and median of the numbers that a log scale can show."""
    found = [value for value in values if value is not None and math.isfinite(value) and value > 0]
    return Spread(min(found), median(found), max(found), len(found)) if found else None


def flows(trace: Trace, report: Report) -> Flows:
    """Read what was measured of every parameter at every step."""
    columns = _columns(trace)
    norms, ratios = _measured(trace, columns)
    shown = sorted({column: step for step, column in sorted(columns.items())}.items())
    names = report.names()
    depth = _depth(trace)
    made = (
        Flow(
            row.leaf,
            names[row.leaf],
            row.model,
            row.verdict,
            len(row.shape) >= 2,
            row.leaf in depth,
            tuple(norms.get((row.leaf, column)) for column, _ in shown),
            tuple(ratios.get((row.leaf, column)) for column, _ in shown),
        )
        for row in _ordered(report.parameters, depth)
    )
    return Flows(tuple(step for _, step in shown), tuple(made))


#: (leaf, column) -> number
_Numbers = dict[tuple[int, int], float]


def _measured(trace: Trace, columns: dict[int, int]) -> tuple[_Numbers, _Numbers]:
    """Return gradient norms and update ratios, the last of each column; what backward left comes first."""
    norms: dict[tuple[int, int], tuple[int, bool, float]] = {}
    ratios: _Numbers = {}
    for event in trace.events:
        match event:
            case GradMeasured(norm=float() as norm, step=step):
                known, mine = norms.get((event.leaf, columns[step])), event.when == "backward"
                if known is None or (step, mine) >= known[:2]:
                    norms[event.leaf, columns[step]] = (step, mine, norm / event.scale)
            case ValueMeasured(update_norm=float() as update, value_norm=float() as value, optimizer=int()) if value:
                ratios[event.leaf, columns[event.step]] = update / value
    return {key: norm for key, (_, _, norm) in norms.items()}, ratios


def _columns(trace: Trace) -> dict[int, int]:
    """Return the column of each step in which something was measured."""
    steps = sorted({event.step for event in trace.events if _is_shown(event)})
    size = max(1, math.ceil(len(steps) / COLUMNS))
    return {step: i // size for i, step in enumerate(steps)}


def _is_shown(event: Event) -> TypeGuard[GradMeasured | ValueMeasured]:
    match event:
        case GradMeasured(norm=float()):
            return True
        case ValueMeasured(update_norm=float(), value_norm=float() as value, optimizer=int()):
            return bool(value)
        case _:
            return False


def _depth(trace: Trace) -> dict[int, int]:
    """Return how many operations lie between loss and leaf, on the longest way; of the last graph that holds it."""
    graphs = {graph.graph: graph for graph in trace.of(GraphSeen)}
    last = {start.graph: start.roots for start in trace.of(BackwardStarted) if start.graph in graphs}
    found: dict[int, int] = {}
    for key, roots in last.items():
        if key is not None:
            found.update(_longest(graphs[key], roots))
    return found


def _longest(graph: GraphSeen, roots: tuple[int, ...]) -> dict[int, int]:
    """Return the longest distance of each leaf from the roots: residual paths do not hide how deep a layer is."""
    below: dict[int, list[int]] = {}
    waiting = [0] * len(graph.nodes)
    for source, target, _ in graph.edges:
        below.setdefault(source, []).append(target)
        waiting[target] += 1
    distance = [0] * len(graph.nodes)
    ready = [node for node, count in enumerate(waiting) if count == 0]
    for node in ready:  # grows while it is read: a topological order
        for other in below.get(node, ()):
            distance[other] = max(distance[other], distance[node] + 1)
            waiting[other] -= 1
            if waiting[other] == 0:
                ready.append(other)
    return {node.leaf: distance[i] for i, node in enumerate(graph.nodes) if node.leaf is not None}


def _ordered(rows: tuple[ParameterReport, ...], depth: dict[int, int]) -> list[ParameterReport]:
    """Return the rows model by model, nearest to the input first; one that no graph holds stands before the next held.

    Models come in the order of their first parameter.
    """
    models = {model: i for i, model in enumerate(dict.fromkeys(row.model for row in rows))}
    place: dict[str, int] = {}
    keys: list[tuple[int, int, int]] = []
    for i in reversed(range(len(rows))):
        model = rows[i].model
        place[model] = depth.get(rows[i].leaf, place.get(model, -1))
        keys.append((models[model], -place[model], i))
    return [rows[i] for _, _, i in sorted(keys)]
