"""At the end of a job of several ranks: rank 0 waits a moment for the others' files and merges what is there.

Files, not the process group: it may be destroyed by then, and a rank that died must not hang the rest.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.store.ranks import FILE_NAME, dump

if TYPE_CHECKING:
    from tracer.commands.judging import Judging
    from tracer.commands.options import Output
    from tracer.diagnosis.findings import Report
    from tracer.traces import Trace

#: Seconds that rank 0 waits for the others, unless ``--merge-wait`` says otherwise.
WAIT = 20.0


def write_rank(trace: Trace, report: Report, folder: Path) -> Path:
    """Write what a merge needs of this rank beside its trace."""
    from tracer.diagnosis.ranks import summarize
    from tracer.reports.writing import write_file

    return write_file(folder / FILE_NAME, dump(summarize(trace, report)))


def forget_rank(out: Path) -> None:
    """Before the program runs: remove this rank's summary of an earlier run, which a merge would take for new."""
    rank = os.environ.get("RANK", "")
    if rank.isdigit():
        (out / f"rank{rank}" / FILE_NAME).unlink(missing_ok=True)


@contextmanager
def finishing() -> Iterator[None]:
    """Let a rank of several write its report before it obeys SIGTERM.

    ``torchrun`` ends the other ranks as soon as one has failed, and kills those that are still there after 30 s.
    """
    if os.environ.get("WORLD_SIZE", "1") in ("", "1") or threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)
        if received:
            os.kill(os.getpid(), signal.SIGTERM)


def merge_here(
    trace: Trace, output: Output, judging: Judging, out: Path, wait: float = WAIT, *, failed: bool = False
) -> tuple[Report, list[Path]] | None:
    """Merge the ranks under ``out`` when this is rank 0; None on the others, or when there is only one.

    A rank whose program failed merges what is there at once: rank 0 may not live to do it.

    Ranks on other machines have written to another disk, unless ``out`` is shared: only those of this machine
    are waited for, and those that are missing are named.
    """
    header = trace.header
    if header.world_size < 2 or (header.rank != 0 and not failed):
        return None
    from tracer.commands.results import write_formats
    from tracer.diagnosis.job import merge_job, ranks_in

    here = int(os.environ.get("LOCAL_WORLD_SIZE", header.world_size))
    _wait_for(out, range(min(here, header.world_size)), wait if header.rank == 0 else 0.0)
    job = merge_job(path for path in ranks_in(out) if (path / FILE_NAME).exists())
    report = judging.quieted(job.report)
    files = write_formats(job.trace, report, output, out)
    return (report, files) if header.rank == 0 else None


def _wait_for(out: Path, ranks: range, wait: float) -> None:
    until = time.monotonic() + wait
    while time.monotonic() < until and not all((out / f"rank{r}" / FILE_NAME).exists() for r in ranks):
        time.sleep(0.05)
