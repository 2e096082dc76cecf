"""The report of a job: one rank's rows, worse ones of other ranks, and what only shows between ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
from tracer.diagnosis.pipeline import without_stage
from tracer.diagnosis.rank_rules import all_rank_rules
from tracer.diagnosis.ranked import RankedRun, Ranks, told
from tracer.diagnosis.ranks import Key, RankMerge


def report_of_job(merge: RankMerge, base: Report, facts: Facts | None = None, more: Sequence[Report] = ()) -> Report:
    """Return the report of all ranks that were merged.

    Args:
        merge: what all ranks say.
        base: the whole report of one rank: its rows stand for all, but where another rank is worse off.
        facts: of the same rank: they tell where parameters were built.
        more: reports of ranks that run other stages of a pipeline.
    """
    return _Writing(merge.run, merge, facts).report(base, more)


class _Writing:
    def __init__(self, run: RankedRun, merge: RankMerge, facts: Facts | None) -> None:
        self.run = run
        self.merge = merge
        self.facts = facts
        staged = {(without_stage(model), name) for model, name in run.parameters if model in run.stages}
        #: what ranks hold of stages that others run: the model was built whole, and a part of it taken
        self.elsewhere = staged & run.parameters.keys()

    def report(self, base: Report, more: Sequence[Report]) -> Report:
        rows = {(row.model, row.name): row for row in base.parameters}
        following = max((row.leaf for row in base.parameters), default=-1) + 1
        if self.facts:
            following = max(following, max(self.facts.leaves, default=-1) + 1)
        for row in (row for report in more for row in report.parameters):
            if (row.model, row.name) not in rows:
                rows[row.model, row.name] = replace(row, leaf=following)
                following += 1
        for key, (rank, plain) in self.merge.unwell.items():
            known = rows.get(key)
            if known is None or SEVERITIES.index(plain["severity"]) < SEVERITIES.index(known.severity):
                leaf, following = (following, following + 1) if known is None else (known.leaf, following)
                rows[key] = self._marked(read_row({**plain, "leaf": leaf}), rank)
        for key in self.elsewhere:
            rows.pop(key, None)
        between = self._between(rows)
        everywhere = [
            self._finding(plain, ranks, names, rows)
            for plain, ranks, names in self.merge.findings.values()
            if not names or any(name in rows for name in names)
        ]
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
        others = f" ({told(verdicts.get(row.verdict, Ranks([rank])))})" if len(verdicts) > 1 else ""
        return replace(row, message=row.message + others)

    def _between(self, rows: dict[Key, ParameterReport]) -> list[Finding]:
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
                where=(*alike[0].where, *_made(alike, self.facts)),
            )
            for alike in found.values()
        ]

    def _finding(
        self, plain: dict[str, Any], ranks: Ranks, names: set[Key], rows: dict[Key, ParameterReport]
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
        missing = Ranks(
            rank for rank in range(run.world_size) if rank not in run.ranks and rank not in self.merge.stopped
        )
        if missing:
            yield f"{len(missing)} of {run.world_size} ranks left nothing to merge: {told(missing)}"
        if self.merge.stopped:
            left_out = "" if self.merge.stopped.common(run.ranks) else ", and is left out"
            yield f"the recording of {told(self.merge.stopped)} was cut off before its end{left_out}"
        for error, ranks in run.errors.items():
            yield f"{told(ranks)} ended with {error}"
        if len(run.steps) > 1:
            yield f"the ranks made {min(run.steps)} to {max(run.steps)} steps: their values were not compared"
        yield from self._other_models()
        for note, ranks in self.merge.notes.items():
            yield note if len(ranks) == len(run.ranks) else f"{told(ranks)}: {note}"

    def _other_models(self) -> Iterable[str]:
        """Say whose model is another one: by stages of a pipeline, or not as it should be."""
        run = self.run
        stages: dict[tuple[int, int], Ranks] = {}
        for stage, of, ranks in run.stages.values():
            stages.setdefault((of, stage), Ranks()).update(ranks)
        if stages:
            parts = "; ".join(f"stage {stage} on {told(ranks)}" for (_, stage), ranks in sorted(stages.items()))
            yield f"each rank has its own part of the model, a pipeline of {max(stages)[0]} stages: {parts}"
        for what, odd in (
            ("not every rank has the parameters {}: the ranks' models differ", self._lacking()),
            (
                "the parameters {} have other shapes on other ranks: these models were not compared",
                [p.name for p in run.parameters.values() if len(p.shapes) > 1],
            ),
        ):
            if odd:
                some = ", ".join(odd[:5]) + (f" and {len(odd) - 5} more" if len(odd) > 5 else "")
                yield what.format(some)

    def _lacking(self) -> list[str]:
        """Return the parameters that some rank has not, although it should."""
        return [
            p.name
            for key, p in self.run.parameters.items()
            if key not in self.elsewhere and sum(map(len, p.verdicts.values())) < len(self.run.expected(p.model))
        ]


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
