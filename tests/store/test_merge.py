"""Ranks of one job: order, and what is refused."""

from __future__ import annotations

import pytest

from tracer.errors import UsageError
from tracer.store.merge import merge_ranks
from tracer.traces import Header, Trace


def rank(number: int, size: int = 3) -> Trace:
    return Trace(Header(rank=number, world_size=size))


def test_ranks_come_back_in_order_and_unchanged() -> None:
    assert merge_ranks(iter([rank(2), rank(0), rank(1)])) == (rank(0), rank(1), rank(2))


def test_missing_ranks_are_noted_in_each() -> None:
    first, second = merge_ranks([rank(3, 4), rank(1, 4)])
    assert first.header.rank == 1
    assert first.notes == second.notes == ("2 of 4 ranks are missing from the merge: 0, 2.",)


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        ([], "no trace was given to merge."),
        ([rank(0), rank(1), rank(0)], "rank 0 was given 2 times."),
        ([rank(0, 2), rank(1, 4)], "the traces are of different jobs: their world sizes are 2, 4."),
    ],
)
def test_what_is_no_job_is_refused(traces: list[Trace], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        merge_ranks(traces)
    assert caught.value.message == message
