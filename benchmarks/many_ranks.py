"""Merges a job of synthetic ranks with 1,000 parameters each: ``python -m benchmarks.many_ranks [RANKS [MACHINE]]``.

One rank is missing, one is damaged, one in 64 holds one parameter with other values, one in 128 never used another.
With MACHINE, so many ranks are first put into one file, as each machine of a job does for its own; then these are
merged. Prints seconds and peak memory of each level, and what the report says of the odd ranks.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tracer.diagnosis.job import Job, group_of, merge_job, ranks_in
from tracer.events import (
    BackwardStarted,
    GradAccumulated,
    Group,
    GroupsSeen,
    LeafSeen,
    ModelSeen,
    OptimizerSeen,
    OptimizerStepped,
    ValueMeasured,
)
from tracer.store.jsonl import FILE_NAME, save
from tracer.store.ranks import FILE_NAME as RANK_FILE
from tracer.store.ranks import RankRow, RankSummary, dump
from tracer.traces import Header, Trace

T = TypeVar("T")
PARAMETERS, STEPS = 1_000, 3


def name(i: int) -> str:
    return f"blocks.{i // 10}.layer{i % 10}.weight"


def first_trace(ranks: int) -> Trace:
    """Return the trace of rank 0: healthy training of all parameters."""
    events: list[object] = [ModelSeen(0, "net", "Net"), OptimizerSeen(0, "optimizer", "AdamW")]
    events += [LeafSeen(i, 0, name(i), (), (64, 64), "float32", "cpu", True, "parameter") for i in range(PARAMETERS)]
    events.append(GroupsSeen(1, 0, (Group(tuple(range(PARAMETERS)), 1e-3),)))
    for step in range(1, STEPS + 1):
        events.append(BackwardStarted(step, step - 1, "backward", None, ()))
        events += [GradAccumulated(step, step - 1, i) for i in range(PARAMETERS)]
        events.append(OptimizerStepped(step, 0))
        events += [ValueMeasured(step, i, True, 0, 0.1, 8.0) for i in range(PARAMETERS)]
    header = Header(torch="2.13.0", rank=0, world_size=ranks, steps=STEPS, backwards=STEPS, program="train.py")
    return Trace(header, tuple(events))  # type: ignore[arg-type]


def summary(rank: int, ranks: int) -> RankSummary:
    """Return what one rank wrote."""
    rows = [
        RankRow(name(i), "net", "updated", "ok", True, STEPS, True, (i * 2654435761) & 0xFFFFFFFF, None, (64, 64))
        for i in range(PARAMETERS)
    ]
    if rank % 64 == 5:
        rows[7] = replace(rows[7], digest=1 + rank)
    if rank % 128 == 9:
        rows[11] = replace(rows[11], accumulated=0, changed=False)
    combined = tuple((step, 40 + step) for step in range(1, STEPS + 1))
    return RankSummary(rank, ranks, STEPS, STEPS, "train.py", tuple(rows), combined)


def write(folder: Path, ranks: int) -> None:
    for rank in range(ranks):
        if rank == ranks // 2:
            continue  # killed before it wrote anything
        where = folder / f"rank{rank}"
        where.mkdir()
        (where / "rank.json").write_text("{" if rank == ranks // 3 else dump(summary(rank, ranks)))
    save(first_trace(ranks), folder / "rank0" / FILE_NAME)


def measured(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """Return what ``work`` returns, and what it took; the peak is that of the process so far."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work()
    taken = {"seconds": round(time.perf_counter() - start, 2), "cpu seconds": round(time.process_time() - cpu, 2)}
    return result, {**taken, "peak MB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def group(folder: Path, ranks: int, machine: int) -> None:
    """Put the ranks of each machine into one file, and take their own files away."""
    for first in range(0, ranks, machine):
        mine = [folder / f"rank{rank}" for rank in range(first, min(first + machine, ranks))]
        mine = [path for path in mine if (path / RANK_FILE).exists()]
        (folder / f"ranks.from{first}.json").write_text(group_of(mine))
        for path in mine[1 if first == 0 else 0 :]:
            shutil.rmtree(path)


def size(folder: Path, pattern: str) -> dict[str, float]:
    sizes = [path.stat().st_size for path in folder.rglob(pattern)]
    return {"files": len(sizes), "kB each": round(sum(sizes) / 1024 / max(1, len(sizes)), 1)}


def main(args: list[str]) -> int:
    ranks, machine = (int(args[0]) if args else 1024), (int(args[1]) if len(args) > 1 else 0)
    with tempfile.TemporaryDirectory() as name_:
        folder = Path(name_)
        write(folder, ranks)
        told: dict[str, object] = {"ranks": ranks, "parameters": PARAMETERS, "rank.json": size(folder, RANK_FILE)}
        told["peak MB before"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        if machine:
            _, told[f"all machines of {machine}, one after the other"] = measured(lambda: group(folder, ranks, machine))
            told["ranks.from*.json"] = size(folder, "ranks.from*.json")

        def merge() -> Job:
            return merge_job(ranks_in(folder))

        job, told["merge"] = measured(merge)
    print(json.dumps(told, indent=1))
    for finding in job.report.findings:
        print(finding.code, job.report.names_of(finding), finding.message[:200])
    for note in job.report.notes:
        print("note:", note)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
