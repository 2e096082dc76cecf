"""Many ranks together: each rank in short, added one after the other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tracer.diagnosis.findings import SEVERITIES, ParameterReport, Report
from tracer.diagnosis.pipeline import by_stage
from tracer.diagnosis.ranked import RankedParameter, RankedRun, Ranks
from tracer.events import ErrorRaised, PlaceSeen, ReplicaDigests, ValueMeasured
from tracer.store.ranks import RankRow, RankSummary
from tracer.traces import Trace

Key = tuple[str, str]

#: Findings and unwell rows that one rank hands over at most: a sick model of 100,000 parameters is sick on all.
HANDED = 2_000
#: Different values of one parameter that are told apart: replicas that all differ need no more.
APART = 64


def summarize(trace: Trace, report: Report) -> RankSummary:
    """Return one rank in short."""
    header = report.header
    report, stages = by_stage(trace, report)
    digests: dict[int, int] = {}
    combined: dict[int, int] = {}
    for event in trace.of(ReplicaDigests):
        digests.update(zip(event.leaves, event.digests, strict=True))
        for i, value in enumerate(event.digests):
            combined[event.turn] = (combined.get(event.turn, 0) + value * (2 * i + 1)) & 0xFFFFFFFF
    written = _written(trace)
    rows = tuple(
        RankRow(
            row.name, row.model, row.verdict, row.severity, row.requires_grad, row.grad.accumulated,
            row.value.changed, digests.get(row.leaf), written.get(row.leaf), row.shape,
        )
        for row in report.parameters
    )  # fmt: skip
    error = next(iter(trace.of(ErrorRaised)), None)
    return RankSummary(
        header.rank, header.world_size, header.steps, header.backwards, header.program, rows,
        tuple(sorted(combined.items())),
        tuple(_plain_row(row) for row in report.parameters if row.severity != "ok")[:HANDED],
        tuple({**asdict(f), "parameters": [_key_of(report, leaf) for leaf in f.parameters]} for f in report.findings)[
            :HANDED
        ],
        report.notes, header.finished, "" if error is None else f"{error.kind}: {_sentence(error.text)}",
        stages,
    )  # fmt: skip


def _written(trace: Trace) -> dict[int, tuple[str, int]]:
    """Return the line of the last change of each leaf outside any optimizer, where it was seen."""
    places = {place.place: (place.file, place.line) for place in trace.of(PlaceSeen)}
    changes = (event for event in trace.of(ValueMeasured) if event.optimizer is None and event.changed)
    return {event.leaf: places[event.place] for event in changes if event.place is not None and event.place in places}


def _sentence(text: str) -> str:
    return (text.splitlines() or [""])[0].partition(". ")[0][:160]


def _plain_row(row: ParameterReport) -> dict[str, Any]:
    plain = asdict(row)
    plain["grad"]["values"] = plain["value"]["before"] = plain["value"]["after"] = None
    return plain


def _key_of(report: Report, leaf: int) -> list[str]:
    row = next((row for row in report.parameters if row.leaf == leaf), None)
    return ["", f"leaf {leaf}"] if row is None else [row.model, row.name]


class RankMerge:
    """Takes the ranks of a job one by one, or in groups; memory grows with parameters, hardly with ranks."""

    def __init__(self) -> None:
        self.run = RankedRun()
        self.unwell: dict[Key, tuple[int, dict[str, Any]]] = {}  #: worst row of each parameter, and its rank
        self.findings: dict[object, tuple[dict[str, Any], Ranks, set[Key]]] = {}
        self.notes: dict[str, Ranks] = {}
        self.combined: dict[tuple[tuple[int, ...], int], int] = {}  #: (stages of a rank, step) -> digest
        self.stopped = Ranks()  #: their recording was cut off

    def add(self, summary: RankSummary) -> None:
        """Take one rank."""
        run, rank = self.run, summary.rank
        run.world_size = max(run.world_size, summary.world_size)
        run.ranks.add(rank)
        run.steps.setdefault(summary.steps, Ranks()).add(rank)
        if summary.error:
            run.errors.setdefault(summary.error, Ranks()).add(rank)
        if not summary.finished:
            self.stopped.add(rank)
        for model, stage, stages in summary.stages:
            run.stages.setdefault(model, (stage, stages, Ranks()))[2].add(rank)
        for row in summary.rows:
            self._add_row(rank, row)
        for plain in summary.unwell:
            self.keep_worst(rank, plain)
        for finding in summary.findings:
            self.add_finding(finding, Ranks([rank]))
        for note in summary.notes:
            self.notes.setdefault(note, Ranks()).add(rank)
        mine = tuple(sorted(stage for _, stage, _ in summary.stages))
        for step, mark in summary.combined:
            self.compare(mine, step, mark)

    def add_stopped(self, summary: RankSummary) -> None:
        """Take a rank whose recording was cut off: what it says holds for the time before, so it is only named."""
        self.run.world_size = max(self.run.world_size, summary.world_size)
        self.stopped.add(summary.rank)

    def compare(self, stages: tuple[int, ...], step: int, mark: int) -> None:
        """Take the digest over all parameters of one rank after one step; ranks of the same stages have the same."""
        run = self.run
        if self.combined.setdefault((stages, step), mark) != mark and (run.parted is None or step < run.parted):
            run.parted = step

    def _add_row(self, rank: int, row: RankRow) -> None:
        key = (row.model, row.name)
        parameter = self.run.parameters.get(key)
        if parameter is None:
            parameter = self.run.parameters[key] = RankedParameter(*key)
        _put(parameter.verdicts, row.verdict, rank)
        _put(parameter.shapes, row.shape, rank)
        if row.accumulated:
            parameter.with_gradient.add(rank)
        elif row.requires_grad:
            parameter.without_gradient.add(rank)
        if row.changed is False:
            parameter.still.add(rank)
        if row.digest is not None:
            full = len(parameter.digests) >= APART and row.digest not in parameter.digests
            parameter.undigested.add(rank) if full else _put(parameter.digests, row.digest, rank)
        if row.written is not None:
            _put(parameter.written, row.written, rank)

    def keep_worst(self, rank: int, plain: dict[str, Any]) -> None:
        """Take a row that is not well; of each parameter the worst is kept."""
        key = (plain["model"], plain["name"])
        known = self.unwell.get(key)
        if known is None or SEVERITIES.index(plain["severity"]) < SEVERITIES.index(known[1]["severity"]):
            self.unwell[key] = (rank, plain)

    def add_finding(self, plain: dict[str, Any], on: Ranks) -> None:
        """Take a finding of some ranks; those with the same cause are one."""
        lines = tuple((w["file"], w["line"]) for w in plain["where"] if w["role"] != "made")
        names = {tuple(key) for key in plain["parameters"]}
        mark = (plain["code"], plain["severity"], lines or plain["fix"])
        _, ranks, parameters = self.findings.setdefault(mark, (plain, Ranks(), set()))
        ranks.update(on)
        parameters.update(names)


def _put(table: dict[Any, Ranks], key: object, rank: int) -> None:
    known = table.get(key)
    if known is None:
        table[key] = Ranks([rank])
    else:
        known.add(rank)
