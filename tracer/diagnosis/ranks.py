"""Many ranks, one report: each rank in short, added one after the other, and what only shows between ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from tracer.diagnosis.facts import Facts
from tracer.diagnosis.findings import (
    SEVERITIES,
    Finding,
    GradReport,
    OwnerReport,
    ParameterReport,
    Report,
    ValueReport,
    Where,
)
from tracer.diagnosis.lines import made_lines, unique
from tracer.diagnosis.rank_rules import all_rank_rules
from tracer.diagnosis.ranked import RankedParameter, RankedRun, told
from tracer.events import ErrorRaised, PlaceSeen, ReplicaDigests, ValueMeasured
from tracer.store.ranks import RankRow, RankSummary
from tracer.traces import Trace

Key = tuple[str, str]

#: Findings and unwell rows that one rank hands over at most: a sick model of 100,000 parameters is sick on all.
HANDED = 2_000


def summarize(trace: Trace, report: Report) -> RankSummary:
    """Return one rank in short."""
    header = report.header
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
            row.value.changed, digests.get(row.leaf), written.get(row.leaf),
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
    """Takes the ranks of a job one by one; memory grows with parameters, hardly with ranks."""

    def __init__(self) -> None:
        self.run = RankedRun()
        self._unwell: dict[Key, tuple[int, dict[str, Any]]] = {}  #: worst row of each parameter, and its rank
        self._findings: dict[object, tuple[dict[str, Any], list[int], set[Key]]] = {}
        self._notes: dict[str, list[int]] = {}
        self._combined: dict[int, int] = {}
        self._stopped: list[int] = []

    def add(self, summary: RankSummary) -> None:
        """Take one rank."""
        run, rank = self.run, summary.rank
        run.world_size = max(run.world_size, summary.world_size)
        run.ranks.append(rank)
        run.steps[rank] = summary.steps
        if summary.error:
            run.errors[rank] = summary.error
        if not summary.finished:
            self._stopped.append(rank)
        for row in summary.rows:
            self._add_row(rank, row)
        for plain in summary.unwell:
            self._keep_worst(rank, plain)
        for finding in summary.findings:
            self._add_finding(rank, finding)
        for note in summary.notes:
            self._notes.setdefault(note, []).append(rank)
        for step, mark in summary.combined:
            if self._combined.setdefault(step, mark) != mark and (run.parted is None or step < run.parted):
                run.parted = step

    def _add_row(self, rank: int, row: RankRow) -> None:
        key = (row.model, row.name)
        parameter = self.run.parameters.setdefault(key, RankedParameter(*key))
        parameter.verdicts.setdefault(row.verdict, []).append(rank)
        if row.accumulated:
            parameter.with_gradient.append(rank)
        elif row.requires_grad:
            parameter.without_gradient.append(rank)
        if row.changed is False:
            parameter.still.append(rank)
        if row.digest is not None:
            parameter.digests.setdefault(row.digest, []).append(rank)
        if row.written is not None:
            parameter.written.setdefault(row.written, []).append(rank)

    def _keep_worst(self, rank: int, plain: dict[str, Any]) -> None:
        key = (plain["model"], plain["name"])
        known = self._unwell.get(key)
        if known is None or SEVERITIES.index(plain["severity"]) < SEVERITIES.index(known[1]["severity"]):
            self._unwell[key] = (rank, plain)

    def _add_finding(self, rank: int, plain: dict[str, Any]) -> None:
        lines = tuple((w["file"], w["line"]) for w in plain["where"] if w["role"] != "made")
        names = {tuple(key) for key in plain["parameters"]}
        mark = (plain["code"], plain["severity"], lines or plain["fix"])
        _, ranks, parameters = self._findings.setdefault(mark, (plain, [], set()))
        ranks.append(rank)
        parameters.update(names)

    # ------------------------------------------------------------------ the report

    def report(self, base: Report, facts: Facts | None = None) -> Report:
        """Return the report of the job.

        Args:
            base: the whole report of one rank: its rows stand for all, but where another rank is worse off.
            facts: of the same rank: they tell where parameters were built.
        """
        rows = {(row.model, row.name): row for row in base.parameters}
        following = max((row.leaf for row in base.parameters), default=-1) + 1
        for key, (rank, plain) in self._unwell.items():
            known = rows.get(key)
            if known is None or SEVERITIES.index(plain["severity"]) < SEVERITIES.index(known.severity):
                leaf, following = (following, following + 1) if known is None else (known.leaf, following)
                rows[key] = self._marked(read_row({**plain, "leaf": leaf}), rank)
        between = self._between(rows, facts)
        everywhere = [self._finding(plain, ranks, names, rows) for plain, ranks, names in self._findings.values()]
        findings = sorted((*between, *everywhere), key=lambda f: (SEVERITIES.index(f.severity), f.code, f.parameters))
        told_of: dict[int, list[Finding]] = {}
        for finding in between:
            for leaf in finding.parameters:
                told_of.setdefault(leaf, []).append(finding)
        done = tuple(_with(row, told_of.get(row.leaf, [])) for row in rows.values())
        header = replace(base.header, world_size=self.run.world_size)
        return Report(header, done, tuple(findings), tuple(self._all_notes()), base.graph)

    def _marked(self, row: ParameterReport, rank: int) -> ParameterReport:
        verdicts = self.run.parameters[row.model, row.name].verdicts
        others = f" ({told(verdicts.get(row.verdict, [rank]))})" if len(verdicts) > 1 else ""
        return replace(row, message=row.message + others)

    def _between(self, rows: dict[Key, ParameterReport], facts: Facts | None) -> list[Finding]:
        """Return what the rules about several ranks find: one finding per cause."""
        found: dict[object, list[Finding]] = {}
        for key, parameter in self.run.parameters.items():
            for rule in all_rank_rules():
                finding = rule.check(parameter, self.run) if key in rows else None
                if finding is not None:
                    mark = (finding.code, finding.message)
                    found.setdefault(mark, []).append(replace(finding, parameters=(rows[key].leaf,)))
        return [
            replace(
                alike[0],
                parameters=tuple(f.parameters[0] for f in alike),
                where=(*alike[0].where, *_made(alike, facts)),
            )
            for alike in found.values()
        ]

    def _finding(
        self, plain: dict[str, Any], ranks: list[int], names: set[Key], rows: dict[Key, ParameterReport]
    ) -> Finding:
        leaves = tuple(sorted(rows[name].leaf for name in names if name in rows))
        some = "" if len(ranks) == len(self.run.ranks) else f" (on {told(ranks)})"
        where = tuple(_read_where(line) for line in plain["where"])
        return Finding(
            plain["code"], plain["name"], plain["severity"], plain["confidence"], leaves,
            plain["message"] + some, plain["fix"], where,
        )  # fmt: skip

    def _all_notes(self) -> Iterable[str]:
        run = self.run
        missing = sorted(set(range(run.world_size)) - set(run.ranks))
        if missing:
            yield f"{len(missing)} of {run.world_size} ranks left nothing to merge: {told(missing)}"
        if self._stopped:
            yield f"the recording of {told(self._stopped)} was cut off before its end"
        for error in dict.fromkeys(run.errors.values()):
            yield f"{told(r for r, text in run.errors.items() if text == error)} ended with {error}"
        if len(set(run.steps.values())) > 1:
            counts = sorted(set(run.steps.values()))
            yield f"the ranks made {counts[0]} to {counts[-1]} steps: their values were not compared"
        odd = [p.name for p in run.parameters.values() if sum(map(len, p.verdicts.values())) < len(run.ranks)]
        if odd:
            some = ", ".join(odd[:5]) + (f" and {len(odd) - 5} more" if len(odd) > 5 else "")
            yield f"not every rank has the parameters {some}: the ranks' models differ"
        for note, ranks in self._notes.items():
            yield note if len(ranks) == len(run.ranks) else f"{told(ranks)}: {note}"


def _with(row: ParameterReport, findings: list[Finding]) -> ParameterReport:
    """Add findings between ranks to a row; one that is worse than its verdict becomes the verdict."""
    if not findings:
        return row
    worst = min(findings, key=lambda f: SEVERITIES.index(f.severity))
    codes = tuple(dict.fromkeys((*row.findings, *(f.code for f in findings))))
    if worst.severity == "info" or SEVERITIES.index(worst.severity) >= SEVERITIES.index(row.severity):
        return replace(row, findings=codes)
    return replace(
        row, verdict=worst.name, severity=worst.severity, confidence=worst.confidence, message=worst.message,
        fix=worst.fix, where=worst.where or row.where, findings=codes,
    )  # fmt: skip


def _made(alike: list[Finding], facts: Facts | None) -> tuple[Where, ...]:
    leaves = (leaf for f in alike if facts and (leaf := facts.leaves.get(f.parameters[0])))
    return unique(line for leaf in leaves if facts for line in made_lines(facts, leaf))[:4]


def read_row(plain: dict[str, Any]) -> ParameterReport:
    """Return a row from plain values."""
    given = dict(plain)
    given["where"] = tuple(_read_where(line) for line in plain["where"])
    given["optimizers"] = tuple(OwnerReport(**owner) for owner in plain["optimizers"])
    given["grad"], given["value"] = GradReport(**plain["grad"]), ValueReport(**plain["value"])
    for key in ("aliases", "shape", "findings"):
        given[key] = tuple(plain[key])
    return ParameterReport(**given)


def _read_where(plain: dict[str, Any]) -> Where:
    return Where(**{**plain, "code": tuple(plain["code"])})
