"""A group of ranks as plain values: what one machine's ranks, or an earlier merge, hand to the next merge.

A healthy machine of 8 ranks with a model of 1,000 parameters takes one tenth of what its ranks' files take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tracer.diagnosis.ranked import RankedParameter, RankedRun, Ranks
from tracer.diagnosis.ranks import APART, HANDED, RankMerge
from tracer.errors import TraceFileError


def to_plain(merge: RankMerge, gaps: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a merge holds as plain values; sets of ranks stand in a table, since most are alike.

    Args:
        gaps: what of its ranks could not be read.
    """
    sets = _Sets()
    run = merge.run
    parameters = list(run.parameters.values())
    columns: dict[str, list[Any]] = {
        "model": [p.model for p in parameters],
        "name": [p.name for p in parameters],
        **{column: [[[key, sets.at(ranks)] for key, ranks in getattr(p, column).items()] for p in parameters]
           for column in _TABLES},
        **{column: [sets.at(getattr(p, column)) for p in parameters] for column in _RANKS},
    }  # fmt: skip
    return {
        "world_size": run.world_size,
        "ranks": sets.at(run.ranks),
        "steps": [[count, sets.at(ranks)] for count, ranks in run.steps.items()],
        "errors": [[text, sets.at(ranks)] for text, ranks in run.errors.items()],
        "stages": [[model, stage, of, sets.at(ranks)] for model, (stage, of, ranks) in run.stages.items()],
        "parted": run.parted,
        "stopped": sets.at(merge.stopped),
        "combined": [[stages, step, mark] for (stages, step), mark in merge.combined.items()],
        "unwell": list(merge.unwell.values())[:HANDED],
        "findings": [
            [{**plain, "parameters": sorted(names)}, sets.at(ranks)] for plain, ranks, names in merge.findings.values()
        ][:HANDED],
        "notes": [[note, sets.at(ranks)] for note, ranks in merge.notes.items()],
        "gaps": list(gaps),
        "parameters": columns,
        "sets": sets.stretches,
    }


_TABLES = ("verdicts", "shapes", "digests", "written")
_RANKS = ("with_gradient", "without_gradient", "still", "undigested")


class _Sets:
    """Sets of ranks by number."""

    def __init__(self) -> None:
        self.stretches: list[list[list[int]]] = []
        self._known: dict[tuple[tuple[int, ...], ...], int] = {}

    def at(self, ranks: Ranks) -> int:
        mark = tuple(map(tuple, ranks.stretches))
        if mark not in self._known:
            self._known[mark] = len(self.stretches)
            self.stretches.append(ranks.stretches)
        return self._known[mark]


def from_plain(plain: dict[str, Any], name: str) -> RankMerge:
    """Return the merge that plain values stand for, to be absorbed by another.

    Raises:
        TraceFileError: when they are damaged; ``name`` is what the message calls them.
    """
    try:
        return _read(plain)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise TraceFileError(f"{name} is no summary of ranks, or a damaged one.", "Merge its ranks again.") from error


def _read(plain: dict[str, Any]) -> RankMerge:
    """Return a merge to be absorbed by another; it is not to be added to, for its sets are shared."""
    at = [_ranks(stretches) for stretches in plain["sets"]].__getitem__  # shared: nobody adds to them
    merge, columns = RankMerge(), plain["parameters"]
    run = merge.run = RankedRun(int(plain["world_size"]), at(plain["ranks"]))
    run.steps = {int(count): at(ranks) for count, ranks in plain["steps"]}
    run.errors = {str(text): at(ranks) for text, ranks in plain["errors"]}
    run.stages = {str(model): (int(stage), int(of), at(ranks)) for model, stage, of, ranks in plain["stages"]}
    run.parted = None if plain["parted"] is None else int(plain["parted"])
    for values in zip(*(columns[column] for column in RankedParameter.__slots__), strict=True):
        given = dict(zip(RankedParameter.__slots__, values, strict=True))
        key = str(given["model"]), str(given["name"])
        run.parameters[key] = RankedParameter(
            *key,
            {str(verdict): at(ranks) for verdict, ranks in given["verdicts"]},
            {tuple(map(int, shape)): at(ranks) for shape, ranks in given["shapes"]},
            at(given["with_gradient"]), at(given["without_gradient"]), at(given["still"]),
            {int(digest): at(ranks) for digest, ranks in given["digests"]},
            at(given["undigested"]),
            {(str(file), int(line)): at(ranks) for (file, line), ranks in given["written"]},
        )  # fmt: skip
    merge.stopped = at(plain["stopped"])
    merge.combined = {(tuple(map(int, stages)), int(step)): int(mark) for stages, step, mark in plain["combined"]}
    merge.notes = {str(note): at(ranks) for note, ranks in plain["notes"]}
    for rank, row in plain["unwell"]:
        merge.keep_worst(int(rank), row)
    for finding, ranks in plain["findings"]:
        merge.add_finding(finding, at(ranks))
    return merge


def _ranks(stretches: Any) -> Ranks:
    found = Ranks()
    found.stretches = sorted([int(first), int(last)] for first, last in stretches)
    return found


def absorb(into: RankMerge, group: RankMerge) -> None:
    """Add a group of ranks to a merge."""
    run, other = into.run, group.run
    run.world_size = max(run.world_size, other.world_size)
    run.ranks.update(other.ranks)
    _join(run.steps, other.steps)
    _join(run.errors, other.errors)
    for model, (stage, of, ranks) in other.stages.items():
        run.stages.setdefault(model, (stage, of, Ranks()))[2].update(ranks)
    if other.parted is not None and (run.parted is None or other.parted < run.parted):
        run.parted = other.parted
    for (stages, step), mark in group.combined.items():
        into.compare(stages, step, mark)
    for key, parameter in other.parameters.items():
        known = run.parameters.get(key)
        if known is None:
            known = run.parameters[key] = RankedParameter(*key)
        _absorb_parameter(known, parameter)
    into.stopped.update(group.stopped)
    for rank, row in group.unwell.values():
        into.keep_worst(rank, row)
    for plain, ranks, names in group.findings.values():
        into.add_finding({**plain, "parameters": names}, ranks)
    _join(into.notes, group.notes)


def _absorb_parameter(into: RankedParameter, other: RankedParameter) -> None:
    _join(into.verdicts, other.verdicts)
    _join(into.shapes, other.shapes)
    _join(into.written, other.written)
    into.with_gradient.update(other.with_gradient)
    into.without_gradient.update(other.without_gradient)
    into.still.update(other.still)
    into.undigested.update(other.undigested)
    for digest, ranks in other.digests.items():
        full = len(into.digests) >= APART and digest not in into.digests
        into.undigested.update(ranks) if full else _join(into.digests, {digest: ranks})


def _join(into: dict[Any, Ranks], other: dict[Any, Ranks]) -> None:
    for key, ranks in other.items():
        known = into.get(key)
        if known is None:
            known = into[key] = Ranks()
        known.update(ranks)
