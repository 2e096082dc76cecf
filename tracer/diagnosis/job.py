"""The ranks of a job from their folders or traces: one report, and what is missing named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tracer.diagnosis.engine import report_on
from tracer.diagnosis.findings import Report
from tracer.diagnosis.gathering import gather
from tracer.diagnosis.ranks import RankMerge, summarize
from tracer.errors import TracerError, UsageError
from tracer.store import jsonl, ranks
from tracer.store.ranks import RankSummary
from tracer.traces import Trace


@dataclass(frozen=True, slots=True)
class Job:
    """What all ranks together say."""

    report: Report
    trace: Trace  #: of the rank whose graph is drawn


def merge_job(sources: Iterable[Path | Trace]) -> Job:
    """Return one report for the ranks of one job.

    A rank is read from ``rank.json`` beside its trace where there is one, else from the trace. A rank that
    cannot be read is named in the notes; the rest is reported.

    Raises:
        UsageError: when a rank comes twice, the sizes of the jobs differ, or nothing can be read.
    """
    merging, base, gaps = RankMerge(), _Base(), []
    for source in sources:
        try:
            summary = base.offer(source)
        except TracerError as error:
            gaps.append(f"{_name(source)} could not be read: {error.message}")
            continue
        _check(summary, merging)
        merging.add(summary)
    if base.trace is None or base.report is None:
        raise UsageError(
            "there is no rank to merge that can be read" + (f": {gaps[0]}" if gaps else "."),
            "Give the folders or traces of the ranks.",
        )
    report = merging.report(base.report, gather(base.trace))
    return Job(replace(report, notes=(*gaps, *report.notes)), base.trace)


class _Base:
    """Remembers the first rank whose whole trace can be read."""

    def __init__(self) -> None:
        self.trace: Trace | None = None
        self.report: Report | None = None

    def offer(self, source: Path | Trace) -> RankSummary:
        """Return a rank in short; load its trace only when that is needed."""
        if isinstance(source, Path):
            short = folder_of(source) / ranks.FILE_NAME
            if self.trace is not None and short.exists():
                return ranks.read(short)
        trace = jsonl.load(source) if isinstance(source, Path) else source
        report = report_on(gather(trace), trace.notes)
        if self.trace is None:
            self.trace, self.report = trace, report
        return summarize(trace, report)


def _check(summary: RankSummary, merging: RankMerge) -> None:
    run = merging.run
    if summary.rank in run.steps:
        raise UsageError(f"rank {summary.rank} was given twice.", "Merge each rank of one job once.")
    if run.ranks and summary.world_size != run.world_size:
        raise UsageError(
            f"the traces are of different jobs: their world sizes are {run.world_size} and {summary.world_size}.",
            "Merge the ranks of one job.",
        )


def folder_of(path: Path) -> Path:
    """Return the folder that holds a rank's files."""
    return path if path.is_dir() else path.parent


def ranks_in(path: Path) -> list[Path]:
    """Return the folders of ranks under a run's folder in order of rank, or ``path`` itself."""
    found = sorted((p for p in path.glob("rank*") if p.is_dir() and _NUMBER.fullmatch(p.name)), key=_rank_of)
    return found or [path]


_NUMBER = re.compile(r"rank(\d+)")


def _rank_of(path: Path) -> int:
    found = _NUMBER.fullmatch(path.name)
    return int(found.group(1)) if found else -1


def _name(source: Path | Trace) -> str:
    return str(source) if isinstance(source, Path) else f"rank {source.header.rank}"


def each_rank(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every rank under the given folders and files."""
    for path in paths:
        yield from ranks_in(path)
