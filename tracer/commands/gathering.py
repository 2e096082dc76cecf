"""At the end of a job of several ranks: rank 0 waits a moment for the others' files and merges what is there.

Files, not the process group: it may be destroyed by then, and a rank that died must not hang the rest.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracer.errors import TracerError
from tracer.store.jsonl import FILE_NAME as TRACE
from tracer.store.ranks import FILE_NAME, GROUP_NAME, dump

if TYPE_CHECKING:
    from tracer.commands.judging import Judging
    from tracer.commands.options import Output
    from tracer.diagnosis.findings import Report
    from tracer.traces import Header, Trace

#: Seconds that rank 0 waits for the others, unless ``--merge-wait`` says otherwise.
WAIT = 20.0
#: In a job of at most so many ranks each rank that fails merges; in a larger one only the first.
FEW = 64
#: Made by the first rank that failed.
FAILED = ".failed"


def write_rank(trace: Trace, report: Report, folder: Path) -> Path:
    """Write what a merge needs of this rank beside its trace."""
    from tracer.diagnosis.ranks import summarize
    from tracer.reports.writing import write_file

    written = write_file(folder / FILE_NAME, dump(summarize(trace, report)))
    with suppress(OSError):
        _running(folder.parent, trace.header.rank).unlink(missing_ok=True)
    return written


def forget_rank(out: Path) -> None:
    """Before the program runs: remove what this rank left in an earlier run, which a merge would take for new."""
    rank = os.environ.get("RANK", "")
    if not rank.isdigit():
        return
    stale = [out / f"rank{rank}" / FILE_NAME, out / f"rank{rank}" / TRACE, out / FAILED]
    if rank == "0":
        stale += [out / GROUP_NAME, *out.glob("ranks.from*.json")]
    for path in stale:
        path.unlink(missing_ok=True)
    if os.environ.get("WORLD_SIZE", "1") != "1":
        with suppress(OSError):
            _running(out, int(rank)).write_text(str(os.getpid()))


def _running(out: Path, rank: int) -> Path:
    """Holds the id of a rank's process, so that nobody on its machine waits for one that was killed."""
    return out / f".running.rank{rank}"


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where this process stands in the job, as the launcher says; alone on one machine where it says nothing."""

    rank: int
    world_size: int
    local_size: int  #: ranks on this machine
    first: int  #: the first of them

    @classmethod
    def of(cls, header: Header) -> Place:
        local = int(os.environ.get("LOCAL_WORLD_SIZE", header.world_size))
        first = header.rank - int(os.environ.get("LOCAL_RANK", header.rank % max(1, local)))
        return cls(header.rank, header.world_size, min(local, header.world_size), first)

    @property
    def here(self) -> range:
        """The ranks of this machine: ``torchrun`` numbers them in a row."""
        return range(self.first, min(self.first + self.local_size, self.world_size))

    @property
    def several_machines(self) -> bool:
        return self.local_size < self.world_size


def merge_here(
    trace: Trace, output: Output, judging: Judging, out: Path, wait: float = WAIT, *, failed: bool = False
) -> tuple[Report, list[Path]] | None:
    """Merge the ranks under ``out`` when this is rank 0; None on the others, or when there is only one.

    In a job of several machines the first rank of each puts its machine's ranks into one file, and rank 0 reads
    those. Ranks on other machines have written to another disk, unless ``out`` is shared: those that are missing
    are named.

    A rank whose program failed merges what is there at once: rank 0 may not live to do it.
    """
    place = Place.of(trace.header)
    if place.world_size < 2:
        return None
    leads = place.rank == place.first
    until = time.monotonic() + (wait if leads else 0.0)
    if leads and place.several_machines:
        _wait_for(lambda: not any(_is_coming(out, rank) for rank in place.here), until)
        _write_group(out, place)
    if place.rank != 0 and not (failed and (place.world_size <= FEW or _first_to_fail(out))):
        return None
    from tracer.commands.results import write_formats
    from tracer.diagnosis.job import merge_job

    if place.several_machines:
        _wait_for(lambda: all(_group_of(out, first).exists() for first in _machines(out, place)), until)
    else:
        _wait_for(lambda: not any(_is_coming(out, rank) for rank in place.here), until)
    job = merge_job(_of_this_job(out, place))
    report = judging.quieted(job.report)
    files = write_formats(job.trace, report, output, out)
    return (report, files) if place.rank == 0 else None


def _machines(out: Path, place: Place) -> Iterator[int]:
    """Yield the first rank of each machine whose ranks write into this folder too: it is shared between them."""
    for first in range(0, place.world_size, place.local_size):
        if any((out / f"rank{rank}").exists() for rank in range(first, first + place.local_size)):
            yield first


def _group_of(out: Path, first: int) -> Path:
    return out / f"ranks.from{first}.json"


def _write_group(out: Path, place: Place) -> None:
    """Put the ranks of this machine into one file; without it they are merged one by one."""
    from tracer.diagnosis.job import group_of
    from tracer.reports.writing import write_file

    found = [out / f"rank{rank}" for rank in place.here if (out / f"rank{rank}" / FILE_NAME).exists()]
    with suppress(TracerError):
        write_file(_group_of(out, place.first), group_of(found))


def _of_this_job(out: Path, place: Place) -> Iterator[Path]:
    """Yield what this job's ranks have written, not what a larger job left in the same folder.

    Of a rank that was killed there is the trace that was kept while it ran; few of those are loaded.
    """
    from tracer.diagnosis.job import is_group, ranks_in

    unfinished = 0
    for path in ranks_in(out):
        if is_group(path) or (path / FILE_NAME).exists():
            wanted = True
        else:
            unfinished += (path / TRACE).exists()
            wanted = unfinished <= FEW and (path / TRACE).exists()
        if wanted and (is_group(path) or int(path.name.removeprefix("rank")) < place.world_size):
            yield path


def _first_to_fail(out: Path) -> bool:
    """In a large job that falls apart one of the failed ranks merges, not each of them."""
    try:
        (out / FAILED).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _is_coming(out: Path, rank: int) -> bool:
    """Tell whether a rank of this machine has yet to write its summary, and may still do so."""
    if (out / f"rank{rank}" / FILE_NAME).exists():
        return False
    try:
        process = int(_running(out, rank).read_text())
        if os.name == "posix":
            os.kill(process, 0)  # asks whether it lives
    except ProcessLookupError:
        return False
    except (OSError, ValueError):
        return True  # it has not said which process it is
    return True


def _wait_for(ready: Callable[[], bool], until: float) -> None:
    while time.monotonic() < until and not ready():
        time.sleep(0.05)
