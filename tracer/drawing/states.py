"""How each leaf is shown, from its verdict."""

from __future__ import annotations

from tracer.diagnosis.findings import ParameterReport, Report
from tracer.events import GradMeasured, GraphSeen, LeafSeen
from tracer.graphs.items import LeafState
from tracer.graphs.merged import Merged, merge_graphs
from tracer.traces import Trace

#: Verdict -> words on the node; others are the verdict's name with spaces.
_WORDS = {
    "frozen_in_optimizer": "frozen, yet in an optimizer",
    "not_in_optimizer": "gradient, but in no optimizer",
    "duplicate_in_optimizer": "stepped twice",
    "not_registered": "not registered",
    "unused": "no gradient: unused",
    "cut": "no gradient: cut",
    "non_leaf": "no .grad: a computed tensor",
    "non_differentiable": "no gradient: no derivative",
    "no_backward": "no gradient: no backward",
    "detached_loss": "no gradient: loss detached",
    "checkpoint_cut": "no gradient: checkpoint",
    "none_from_backward": "no gradient: None returned",
    "zero_grad": "gradient is zero",
    "nan_grad": "gradient is NaN or Inf",
    "vanishing": "gradient vanishes",
    "exploding": "gradient explodes",
    "no_step": "gradient, but no step",
    "cleared": "gradient cleared before the step",
    "lr_zero": "learning rate is 0",
    "step_skipped": "step skipped",
    "stale_in_optimizer": "optimizer holds an old tensor",
}
#: What went wrong -> its verdicts. Drawn as a shape.
_FAMILIES = {
    "none": (
        "unused", "cut", "non_differentiable", "no_backward", "detached_loss", "checkpoint_cut",
        "none_from_backward", "unused_on_rank", "non_leaf", "not_registered",
    ),
    "bad": ("zero_grad", "nan_grad", "vanishing", "exploding", "hooked", "grad_not_cleared", "replaced_grad"),
}  # fmt: skip
_FAMILY = {verdict: family for family, verdicts in _FAMILIES.items() for verdict in verdicts}
#: Verdicts that say already whether the value changed.
_SAID = ("updated", "frozen", "frozen_in_optimizer", "underflow", "overwritten", "decay_only")


def leaf_states(trace: Trace, report: Report | None) -> dict[int, LeafState]:
    """Return the state of every leaf: from the report, or what the structure alone tells where there is none."""
    if report is None:
        return _static_states(trace)
    return {row.leaf: _state(row) for row in report.parameters}


def gather(trace: Trace, report: Report | None) -> tuple[Merged, dict[int, LeafState]]:
    """Return what is drawn: the graphs of a trace, and the state of every leaf.

    Of the operations where a gradient became zero those remain that the diagnosis blames: a bias whose gradients
    cancel out is none of anyone's trouble.
    """
    merged = merge_graphs(trace)
    if report is not None:
        rows = (where for row in report.parameters for where in row.where)
        told = (where for finding in report.findings for where in finding.where)
        blamed = {(where.file, where.line) for where in (*rows, *told) if where.role == "culprit"}
        for node, kind in list(merged.culprits.items()):
            place = merged.places.get(merged.nodes[node].place or 0)
            if kind in ("zero", "none") and (place is None or (place.file, place.line) not in blamed):
                del merged.culprits[node]
    return merged, leaf_states(trace, report)


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
        lost = leaf.leaf not in reached and not frozen
        tip = ", ".join((f"{leaf.dtype} on {leaf.device}", *(f"also {name}" for name in leaf.aliases)))
        states[leaf.leaf] = LeafState(
            leaf.name, leaf.shape, word, "warning" if lost else "static", frozen, norm, tip,
            family="none" if lost else "",
        )  # fmt: skip
    return states


def _state(row: ParameterReport) -> LeafState:
    word = _WORDS.get(row.verdict, row.verdict.replace("_", " "))
    owners = tuple(f"{o.name}[{o.group}]" for o in row.optimizers)
    sick = row.severity in ("warning", "error")
    blamed = frozenset((where.file, where.line) for where in row.where if where.role in ("cut", "block"))
    return LeafState(
        row.name, row.shape, word, row.severity, row.verdict == "frozen", row.grad.norm, "\n".join(_tip(row, owners)),
        owners, _FAMILY.get(row.verdict, "idle") if sick else "", tuple(_facts(row)), blamed,
    )  # fmt: skip


def _facts(row: ParameterReport) -> list[str]:
    """Return the gradient and what the value did, in a few words each."""
    told: list[str] = []
    if row.grad.accumulated or row.grad.norm is not None:
        times = f", {row.grad.accumulated} times" if row.grad.accumulated > 1 else ""
        told.append("accumulated" + times if row.grad.norm is None else f"grad {row.grad.norm:.3g}{times}")
    if row.value.changed is not None and row.verdict not in _SAID:
        told.append("changed" if row.value.changed else "unchanged")
    return told


def _tip(row: ParameterReport, owners: tuple[str, ...]) -> list[str]:
    tip = [f"{row.verdict}: {row.message}", f"gradients accumulated: {row.grad.accumulated}"]
    if row.grad.norm is not None:
        tip.append(f"gradient norm {row.grad.norm:.4g}")
    if row.grad.zero_share:
        tip.append(f"{row.grad.zero_share:.1%} of the gradient is exactly 0")
    if row.value.changed is not None:
        tip.append(f"value {'changed' if row.value.changed else 'did not change'} in {row.value.steps} steps")
    if row.value.update_norm is not None:
        tip.append(f"update norm {row.value.update_norm:.4g}")
    if row.value.update_ratio is not None:
        tip.append(f"update / value {row.value.update_ratio:.3g}")
    tip.append(f"held by {', '.join(owners)}" if owners else "in no optimizer")
    tip.append(f"{row.dtype} on {row.device}")
    return tip
