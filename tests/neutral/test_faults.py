"""Whatever fails in the recorder, the user's program computes what it would have, and is told once per place."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest

import tracer
from tests.neutral.faults import callables, failing, program, survive
from tests.neutral.observing import flatten, seed

CALLABLES = callables()


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    seed(0)
    return flatten(program())


@pytest.mark.parametrize("label", CALLABLES)
def test_the_program_is_the_same_when_a_part_of_the_recorder_fails(label: str, expected: dict[str, Any]) -> None:
    after = 3 * (list(CALLABLES).index(label) % 2)  # at its first call, or once it has worked for a while
    assert survive(CALLABLES[label], after, expected) == ""


@pytest.mark.parametrize(
    "label",
    [
        label for label in CALLABLES
        if label.startswith(("Sampling.", "_Gap.", "resuming.", "Session.pause", "Session.resume", "Session._enter"))
        or label.endswith(("start_afresh", "attach_to_calls", "come_back", "_unseen"))
    ],
)  # fmt: skip
def test_the_program_is_the_same_when_a_part_of_the_sampling_fails(label: str, expected: dict[str, Any]) -> None:
    assert survive(CALLABLES[label], 0, expected, every=2, first=1) == ""


def test_the_faults_reach_most_of_the_recorder() -> None:
    """The program of these tests calls nearly everything, so that the faults are real."""
    with ExitStack() as stack:
        counters = [stack.enter_context(failing(places, after=10**9)) for places in CALLABLES.values()]
        with tracer.record(detail="full"):
            program()
    reached = sum(counter.call_count > 0 for counter in counters)
    assert reached / len(CALLABLES) > 0.7
