"""At the end of a job: who merges what, on one machine and on several, and what an earlier job left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tracer.commands import gathering
from tracer.commands.judging import Judging
from tracer.commands.options import Output
from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.job import merge_job, ranks_in
from tracer.diagnosis.settings import Settings
from tracer.store.jsonl import FILE_NAME, save
from tracer.traces import Trace

OUTPUT = Output(None, ("json",), "never", True, "never", None, None)
JUDGING = Judging(Settings(), ())


class Jobs:
    """Ends the ranks of a job one after the other, as ``tracer run`` does in each process."""

    def __init__(self, out: Path, trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
        self.out, self.trace, self.patch = out, trace, monkeypatch

    def write(self, rank: int, world: int) -> Trace:
        trace = replace(self.trace, header=replace(self.trace.header, rank=rank, world_size=world))
        folder = self.out / f"rank{rank}"
        folder.mkdir(exist_ok=True)
        save(trace, folder / FILE_NAME)
        gathering.write_rank(trace, diagnose(trace), folder)
        return trace

    def end(self, rank: int, world: int, local: int, *, failed: bool = False, wait: float = 0.0) -> Any:
        trace = self.write(rank, world)
        self.patch.setenv("RANK", str(rank))
        self.patch.setenv("LOCAL_RANK", str(rank % local))
        self.patch.setenv("LOCAL_WORLD_SIZE", str(local))
        return gathering.merge_here(trace, OUTPUT, JUDGING, self.out, wait, failed=failed)

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "report.json").read_text())
        return found


@pytest.fixture
def jobs(tmp_path: Path, blocks: Any, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    return Jobs(tmp_path, blocks(2), monkeypatch)


def test_rank_0_of_one_machine_merges_all(jobs: Jobs) -> None:
    assert jobs.end(1, 2, 2) is None
    report, _ = jobs.end(0, 2, 2)
    assert (report.header.world_size, report.notes) == (2, ())
    assert list(jobs.out.glob("ranks*.json")) == []


def test_each_machine_hands_over_one_file_and_rank_0_reads_those(jobs: Jobs) -> None:
    for rank in (5, 4, 3, 2, 1):
        assert jobs.end(rank, 6, 2) is None
    (jobs.out / "rank5" / "rank.json").write_text("damaged since")  # nobody reads it any more
    (jobs.out / "rank5" / FILE_NAME).unlink()
    report, _ = jobs.end(0, 6, 2)
    assert sorted(path.name for path in jobs.out.glob("ranks*.json")) == [
        "ranks.from0.json", "ranks.from2.json", "ranks.from4.json",
    ]  # fmt: skip
    assert report.header.world_size == 6
    assert report.notes == ()


def test_what_a_machine_could_not_read_of_its_ranks_is_told_by_the_job(jobs: Jobs) -> None:
    jobs.write(3, 4)
    (jobs.out / "rank3" / "rank.json").write_text("{")
    (jobs.out / "rank3" / FILE_NAME).unlink()
    for rank in (2, 1):
        jobs.end(rank, 4, 2)
    (jobs.out / "rank3" / "rank.json").unlink()
    report, _ = jobs.end(0, 4, 2)
    told = [note.partition(", or")[0] for note in report.notes]
    assert told == [
        f"{jobs.out / 'rank3'} could not be read: {jobs.out / 'rank3' / 'rank.json'} is no summary of a rank",
        "1 of 4 ranks left nothing to merge: rank 3",
    ]


def test_a_rank_that_came_after_its_machines_file_is_merged_too(jobs: Jobs) -> None:
    jobs.end(2, 4, 2)
    assert json.loads((jobs.out / "ranks.from2.json").read_text())["sets"] == [[[2, 2]], []]
    jobs.end(3, 4, 2)
    jobs.end(1, 4, 2)
    report, _ = jobs.end(0, 4, 2)
    assert report.notes == ()


def test_machines_with_folders_of_their_own_are_merged_from_what_each_left(tmp_path: Path, jobs: Jobs) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, ranks in ((ours, (1, 0)), (theirs, (3, 2))):
        folder.mkdir()
        jobs.out = folder
        for rank in ranks:
            jobs.end(rank, 4, 2)
    assert "2 of 4 ranks left nothing to merge: ranks 2-3" in json.loads((ours / "report.json").read_text())["notes"]
    together = merge_job(path for folder in (ours, theirs) for path in ranks_in(folder))
    assert together.report.notes == ()
    assert [row.verdict for row in together.report] == ["updated"] * 4


def test_what_a_larger_job_left_in_the_folder_is_not_merged(jobs: Jobs) -> None:
    for rank in (2, 1, 0):
        jobs.end(rank, 3, 3)
    for rank in (1, 0):
        jobs.patch.setenv("RANK", str(rank))
        gathering.forget_rank(jobs.out)
    jobs.end(1, 2, 2)
    report, _ = jobs.end(0, 2, 2)
    assert (report.header.world_size, report.notes) == (2, ())


def test_in_a_large_job_that_falls_apart_one_failed_rank_merges(jobs: Jobs) -> None:
    jobs.end(70, 80, 80, failed=True)
    assert jobs.report()["notes"] == ["79 of 80 ranks left nothing to merge: ranks 0-69, 71-79"]
    (jobs.out / "report.json").unlink()
    jobs.end(71, 80, 80, failed=True)
    assert not (jobs.out / "report.json").exists()
    jobs.patch.setenv("RANK", "0")
    gathering.forget_rank(jobs.out)
    jobs.end(72, 80, 80, failed=True)
    assert jobs.report()["notes"] == ["77 of 80 ranks left nothing to merge: ranks 0-69, 73-79"]


def test_rank_0_does_not_wait_for_machines_that_write_elsewhere(jobs: Jobs) -> None:
    jobs.end(1, 4, 2)
    start = time.monotonic()
    jobs.end(0, 4, 2, wait=30.0)
    assert time.monotonic() - start < 10


def test_a_rank_that_was_killed_is_merged_from_the_trace_that_was_kept(jobs: Jobs) -> None:
    trace = jobs.write(1, 3)
    folder = jobs.out / "rank1"
    (folder / "rank.json").unlink()
    save(replace(trace, header=replace(trace.header, finished=False)), folder / FILE_NAME)
    report, _ = jobs.end(0, 3, 3)
    assert report.notes == (
        "1 of 3 ranks left nothing to merge: rank 2",
        "the recording of rank 1 was cut off before its end, and is left out",
    )


def test_where_every_rank_was_killed_what_was_kept_is_all_there_is(jobs: Jobs) -> None:
    for rank in (0, 1):
        trace = jobs.write(rank, 2)
        (jobs.out / f"rank{rank}" / "rank.json").unlink()
        save(replace(trace, header=replace(trace.header, finished=False)), jobs.out / f"rank{rank}" / FILE_NAME)
    report = merge_job(ranks_in(jobs.out)).report
    assert [row.verdict for row in report] == ["updated"] * 4
    assert report.notes == ("the recording of ranks 0-1 was cut off before its end",)


@pytest.mark.skipif(os.name != "posix", reason="asks the system for a process by its id")
def test_rank_0_does_not_wait_for_a_rank_whose_process_is_gone(jobs: Jobs) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (jobs.out / ".running.rank1").write_text(str(gone.pid))
    start = time.monotonic()
    report, _ = jobs.end(0, 2, 2, wait=30.0)
    assert time.monotonic() - start < 10
    assert report.notes == ("1 of 2 ranks left nothing to merge: rank 1",)


def test_rank_0_waits_for_a_rank_that_lives_and_then_merges_it(jobs: Jobs) -> None:
    (jobs.out / ".running.rank1").write_text(str(os.getpid()))
    later = threading.Timer(0.3, jobs.write, (1, 2))
    later.start()
    report, _ = jobs.end(0, 2, 2, wait=30.0)
    later.join()
    assert report.notes == ()
    assert list(jobs.out.glob(".running*")) == []


@pytest.mark.parametrize("trace", [True, False], ids=["with its trace", "without"])
def test_a_damaged_rank_file_costs_nothing_where_its_trace_is_there_and_is_named_else(jobs: Jobs, trace: bool) -> None:
    jobs.write(1, 2)
    (jobs.out / "rank1" / "rank.json").write_text("{")
    if not trace:
        (jobs.out / "rank1" / FILE_NAME).unlink()
    report, _ = jobs.end(0, 2, 2)
    named = f"{jobs.out / 'rank1'} could not be read: {jobs.out / 'rank1' / 'rank.json'} is no summary of a rank"
    assert [note.partition(", or")[0] for note in report.notes] == (
        [] if trace else [named, "1 of 2 ranks left nothing to merge: rank 1"]
    )
