"""Merges a job of 1,024 synthetic ranks with 1,000 parameters each: ``python -m benchmarks.many_ranks [RANKS]``.

One rank is missing, one is damaged, sixteen hold one parameter with other values, eight never used another.
Prints seconds and peak memory, and what the report says of the odd ranks.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tracer.diagnosis.job import merge_job, ranks_in
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
from tracer.store.ranks import RankRow, RankSummary, dump
from tracer.traces import Header, Trace

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
        RankRow(name(i), "net", "updated", "ok", True, STEPS, True, (i * 2654435761) & 0xFFFFFFFF)
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


def main(args: list[str]) -> int:
    ranks = int(args[0]) if args else 1024
    with tempfile.TemporaryDirectory() as name_:
        folder = Path(name_)
        write(folder, ranks)
        size = sum(path.stat().st_size for path in folder.rglob("rank.json")) / max(1, ranks)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, cpu = time.perf_counter(), time.process_time()
        job = merge_job(ranks_in(folder))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({
        "ranks": ranks, "parameters": PARAMETERS, "bytes per rank.json": round(size), "seconds": round(seconds, 2),
        "cpu seconds": round(cpu, 2), "peak MB": round(peak / 1024), "MB before the merge": round(before / 1024),
    }, indent=1))  # fmt: skip
    for finding in job.report.findings:
        print(finding.code, job.report.names_of(finding), finding.message[:200])
    for note in job.report.notes:
        print("note:", note)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
