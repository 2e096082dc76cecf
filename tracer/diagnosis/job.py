"""The ranks of a job from their folders or traces: one report, and what is missing named."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tracer.diagnosis.engine import report_on
from tracer.diagnosis.findings import Report
from tracer.diagnosis.gathering import gather
from tracer.diagnosis.job_report import report_of_job
from tracer.diagnosis.pipeline import by_stage
from tracer.diagnosis.rank_groups import absorb, from_plain, to_plain
from tracer.diagnosis.ranked import Ranks, told
from tracer.diagnosis.ranks import RankMerge, summarize
from tracer.errors import TracerError, UsageError
from tracer.store import jsonl, ranks
from tracer.store.ranks import RankSummary
from tracer.traces import Trace

#: Traces that are tried for one part of the model before it is given up.
TRIED = 8


@dataclass(frozen=True, slots=True)
class Job:
    """What all ranks together say."""

    report: Report
    trace: Trace  #: of the rank whose graph is drawn
    merged: RankMerge  #: what a later merge with other ranks needs
    gaps: tuple[str, ...]  #: what could not be read

    def group(self) -> str:
        """Return the text of a file by which these ranks are merged with others."""
        return _group(self.merged, self.gaps)


def merge_job(sources: Iterable[Path | Trace]) -> Job:
    """Return one report for the ranks of one job.

    A rank is read from ``rank.json`` beside its trace where there is one, else from the trace; a file of
    several ranks (``ranks.json``) stands for all of them. A rank that cannot be read is named in the notes; the
    rest is reported.

    Raises:
        UsageError: when a rank comes twice, the sizes of the jobs differ, or nothing can be read.
    """
    reading = _Reading(sources)
    base, *others = reading.reports()
    report = report_of_job(reading.merged, base[1], gather(base[0]), [report for _, report in others])
    return Job(replace(report, notes=(*reading.gaps, *report.notes)), base[0], reading.merged, tuple(reading.gaps))


def group_of(sources: Iterable[Path | Trace]) -> str:
    """Return the text of a file that stands for some ranks in a later merge; no trace is loaded where it can be helped.

    Raises:
        UsageError: as ``merge_job`` does.
    """
    reading = _Reading(sources)
    return _group(reading.merged, reading.gaps)


def _group(merged: RankMerge, gaps: Sequence[str]) -> str:
    return ranks.dump_group(to_plain(merged, gaps))


class _Reading:
    """Takes ranks and groups of ranks one by one; remembers where whole traces may be, without loading them."""

    def __init__(self, sources: Iterable[Path | Trace]) -> None:
        self.merged = RankMerge()
        self.gaps: list[str] = []
        self._stopped: list[tuple[Path | Trace, RankSummary]] = []
        self._grouped: dict[Path, Ranks] = {}  #: folder -> ranks that a group in it has brought
        #: part of the model -> where a trace of it may be; the whole model is ""
        self._traces: dict[str, list[Path | Trace]] = {}
        for source in sources:
            self._take(source)

    def _take(self, source: Path | Trace) -> None:
        """Take a rank or a group of ranks; one that cannot be read is a gap."""
        try:
            if isinstance(source, Path) and is_group(source):
                self._take_group(source)
            elif not isinstance(source, Path) or _rank_of(source) not in self._grouped.get(source.parent, ()):
                self._take_rank(source)
        except UsageError:
            raise
        except TracerError as error:
            name = str(source) if isinstance(source, Path) else f"rank {source.header.rank}"
            self.gaps.append(f"{name} could not be read: {error.message}")

    def _take_group(self, path: Path) -> None:
        plain = ranks.read_group(path)
        group = from_plain(plain, str(path))
        self.gaps += map(str, plain.get("gaps", ()))
        self._check(group.run.ranks, group.run.world_size)
        absorb(self.merged, group)
        self._grouped.setdefault(path.parent, Ranks()).update(group.run.ranks)
        parts = {model: known[2] for model, known in group.run.stages.items()} or {"": group.run.ranks}
        for part, held in parts.items():
            folders = (path.parent / f"rank{rank}" for rank in itertools.islice(held, TRIED))
            self._remember(part, *(folder for folder in folders if folder.exists()), path.parent)

    def _take_rank(self, source: Path | Trace) -> None:
        summary = _short(source)
        self._check(Ranks([summary.rank]), summary.world_size)
        if summary.finished:
            self._add(source, summary)
        else:
            self.merged.add_stopped(summary)
            self._stopped.append((source, summary))

    def _add(self, source: Path | Trace, summary: RankSummary) -> None:
        self.merged.add(summary)
        for part in [model for model, _, _ in summary.stages] or [""]:
            self._remember(part, source)

    def _remember(self, part: str, *places: Path | Trace) -> None:
        known = self._traces.setdefault(part, [])
        known.extend(places[: TRIED - len(known)] if len(known) < TRIED else ())

    def _check(self, taken: Ranks, world_size: int) -> None:
        run = self.merged.run
        twice = taken.common(run.ranks) or taken.common(self.merged.stopped)
        if twice:
            verb = "was" if len(twice) == 1 else "were"
            raise UsageError(f"{told(twice)} {verb} given twice.", "Merge each rank of one job once.")
        if (run.ranks or self.merged.stopped) and world_size != run.world_size:
            raise UsageError(
                f"the traces are of different jobs: their world sizes are {run.world_size} and {world_size}.",
                "Merge the ranks of one job.",
            )

    def reports(self) -> list[tuple[Trace, Report]]:
        """Return the trace and report of one rank, and of one more for each stage that it does not run.

        Raises:
            UsageError: when no trace can be read.
        """
        if not self.merged.run.ranks:
            for source, summary in self._stopped:  # no rank came to its end: these are all there is
                self._add(source, summary)
        found: list[tuple[Trace, Report]] = []
        covered: set[str] = set()
        for part, places in self._traces.items():
            if part not in covered:
                readable = self._first_readable(part, places)
                found += readable
                covered.update(model for _, report in readable for model in {row.model for row in report.parameters})
        if not found:
            raise UsageError(
                "there is no rank to merge that can be read" + (f": {self.gaps[0]}" if self.gaps else "."),
                "Give the folders or traces of the ranks.",
            )
        return found

    def _first_readable(self, part: str, places: list[Path | Trace]) -> list[tuple[Trace, Report]]:
        failed: list[str] = []
        for place in places:
            try:
                trace = jsonl.load(place) if isinstance(place, Path) else place
            except TracerError as error:
                failed.append(f"the trace of {place} could not be read: {error.message}")
                continue
            report, _ = by_stage(trace, report_on(gather(trace), trace.notes))
            return [(trace, report)]
        self.gaps += failed[:1]
        if part:
            self.gaps.append(f"no trace of {part} was found: its healthy parameters are not listed")
        return []


def _short(source: Path | Trace) -> RankSummary:
    """Return a rank in short: from its ``rank.json``, else from its trace."""
    if isinstance(source, Path):
        folder = folder_of(source)
        try:
            return ranks.read(folder / ranks.FILE_NAME)
        except TracerError:  # not there, or damaged: its trace says the same
            if (folder / ranks.FILE_NAME).exists() and not (folder / jsonl.FILE_NAME).exists():
                raise
    trace = jsonl.load(source) if isinstance(source, Path) else source
    return summarize(trace, report_on(gather(trace), trace.notes))


def is_group(path: Path) -> bool:
    """Tell whether a file stands for several ranks."""
    return path.is_file() and _GROUP.fullmatch(path.name) is not None


def folder_of(path: Path) -> Path:
    """Return the folder that holds a rank's files."""
    return path if path.is_dir() else path.parent


def ranks_in(path: Path) -> list[Path]:
    """Return what is to be merged of a run's folder: files of several ranks, and folders of ranks in their order.

    A folder that holds neither, and a file, is returned itself.
    """
    groups = sorted(p for p in path.glob("ranks*.json") if is_group(p))
    found = sorted((p for p in path.glob("rank*") if p.is_dir() and _NUMBER.fullmatch(p.name)), key=_rank_of)
    return [*groups, *found] or [path]


_NUMBER = re.compile(r"rank(\d+)")
_GROUP = re.compile(r"ranks(\.from\d+)?\.json")


def _rank_of(path: Path) -> int:
    found = _NUMBER.fullmatch(path.name)
    return int(found.group(1)) if found else -1


def each_rank(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield every rank under the given folders and files."""
    for path in paths:
        yield from ranks_in(path)
