"""The traces of one job's ranks, checked and put in order. Clocks of ranks are never compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from tracer.errors import UsageError
from tracer.events import Noted
from tracer.store.log import Events
from tracer.traces import Trace


def merge_ranks(traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """Return the ranks of one job in order of rank, each with a note where ranks are missing.

    Each rank stays a trace of its own: the keys inside a trace mean something in that process only.

    Raises:
        UsageError: when there is no trace, a rank comes twice, or the traces are of different jobs.
    """
    found = sorted(traces, key=lambda trace: trace.header.rank)
    if not found:
        raise UsageError("no trace was given to merge.", "Give the trace of each rank.")
    _check(found)
    sizes = {trace.header.world_size for trace in found}
    missing = sorted(set(range(max(sizes))) - {trace.header.rank for trace in found})
    if not missing:
        return tuple(found)
    ranks = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
    note = Noted(f"{len(missing)} of {max(sizes)} ranks are missing from the merge: {ranks}.")
    return tuple(replace(trace, events=Events((trace.events, (note,)))) for trace in found)


def _check(traces: list[Trace]) -> None:
    sizes = sorted({trace.header.world_size for trace in traces})
    if len(sizes) > 1:
        raise UsageError(
            f"the traces are of different jobs: their world sizes are {', '.join(map(str, sizes))}.",
            "Merge the ranks of one job.",
        )
    twice = [rank for rank, count in Counter(trace.header.rank for trace in traces).items() if count > 1]
    if twice:
        raise UsageError(
            f"rank {twice[0]} was given {sum(t.header.rank == twice[0] for t in traces)} times.",
            "Merge each rank of one job once.",
        )
