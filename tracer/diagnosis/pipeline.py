"""Pipeline stages in a merge: each rank has a model of its own, so models are told apart by their stage."""

from __future__ import annotations

from dataclasses import replace

from tracer.diagnosis.findings import Report
from tracer.events import StageSeen
from tracer.traces import Trace


def by_stage(trace: Trace, report: Report) -> tuple[Report, tuple[tuple[str, int, int], ...]]:
    """Return the report with the stage in the model's name of each parameter of a stage, and (model, stage, stages)."""
    stage_of = {leaf: stage for stage in trace.of(StageSeen) for leaf in stage.leaves}
    if not stage_of:
        return report, ()
    rows, stages = [], {}
    for row in report.parameters:
        stage = stage_of.get(row.leaf)
        if stage is not None:
            row = replace(row, model=f"{row.model} (stage {stage.stage})")
            stages[row.model] = (row.model, stage.stage, stage.stages)
        rows.append(row)
    return replace(report, parameters=tuple(rows)), tuple(stages.values())


def without_stage(model: str) -> str:
    """Return the name of a model as its rank calls it."""
    return model.rpartition(" (stage ")[0] or model
