"""How each leaf is shown, from its verdict."""

from __future__ import annotations

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.events import GradMeasured, GraphSeen, LeafSeen
from tracer.graphs.items import LeafState
from tracer.traces import Trace

#: Verdict -> words on the node; others are the verdict's name with spaces.
_WORDS = {
    "updated": "updated",
    "frozen": "frozen",
    "frozen_in_optimizer": "frozen, yet in an optimizer",
    "not_in_optimizer": "gradient, but in no optimizer",
    "unused": "no gradient: unused",
    "cut": "no gradient: cut",
    "non_differentiable": "no gradient: not differentiable",
    "zero_grad": "gradient is zero",
    "nan_grad": "gradient is NaN or Inf",
    "stale_in_optimizer": "optimizer holds an old tensor",
}


def leaf_states(trace: Trace, report: Report | None) -> dict[int, LeafState]:
    """Return the state of every leaf: from the report, or what the structure alone tells where there is none."""
    if report is None:
        return _static_states(trace)
    return {row.leaf: _state(row) for row in report.parameters}


def _static_states(trace: Trace) -> dict[int, LeafState]:
    reached = {node.leaf for graph in trace.of(GraphSeen) for node in graph.nodes if node.leaf is not None}
    held = {grad.leaf: grad.norm for grad in trace.of(GradMeasured)}
    states: dict[int, LeafState] = {}
    for leaf in trace.of(LeafSeen):
        norm = held.get(leaf.leaf)
        frozen = not leaf.requires_grad
        if frozen:
            word = "frozen"
        elif leaf.leaf not in reached:
            word = "no path from here"
        else:
            word = "reached" if norm is None else f".grad norm {norm:.3g}"
        severity = "warning" if leaf.leaf not in reached and not frozen else "static"
        tip = ", ".join((f"{leaf.dtype} on {leaf.device}", *(f"also {name}" for name in leaf.aliases)))
        states[leaf.leaf] = LeafState(leaf.name, leaf.shape, word, severity, frozen, norm, tip)
    return states


def _state(row: ParameterReport) -> LeafState:
    word = _WORDS.get(row.verdict, row.verdict.replace("_", " "))
    frozen = row.verdict == "frozen"
    owners = tuple(f"{o.name}[{o.group}]" for o in row.optimizers)
    tip = [f"{row.verdict}: {row.message}", f"accumulated {row.grad.accumulated} times"]
    if row.grad.norm is not None:
        tip.append(f"gradient norm {row.grad.norm:.3g}")
    if row.value.update_norm is not None:
        tip.append(f"update norm {row.value.update_norm:.3g}")
    tip.append(f"held by {', '.join(owners)}" if owners else "in no optimizer")
    return LeafState(row.name, row.shape, word, row.severity, frozen, row.grad.norm, "\n".join(tip), owners)
