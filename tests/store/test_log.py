"""A long list of events takes little memory, and is read back as it was written."""

from __future__ import annotations

import gc
import math
import os
import pickle
import tempfile
import tracemalloc
from typing import Any

import pytest

from tracer.events import (
    BackwardEnded,
    Event,
    GradAccumulated,
    GradMeasured,
    GraphSeen,
    Group,
    GroupsSeen,
    Node,
    Noted,
    ReplicaDigests,
    ValueMeasured,
)
from tracer.store.log import EventLog, Events
from tracer.store.packing import pack, unpack

GRAPH = GraphSeen(0, "f", (Node("AddBackward0"), Node("AccumulateGrad", leaf=0)), ((0, 1, 0),))


def step(number: int, leaves: int = 150) -> list[Event]:
    """What one training step records of so many parameters."""
    seen: list[Event] = [GradAccumulated(number, number - 1, leaf) for leaf in range(leaves)]
    seen.append(BackwardEnded(number, number - 1, None, tuple(0.5 + i + number for i in range(leaves))))
    seen += [GradMeasured(number, leaf, "step", 0.1 * leaf + number, None, True, 0) for leaf in range(leaves)]
    seen += [ValueMeasured(number, leaf, True, 0, 1e-3 + number, 1.0 + leaf) for leaf in range(leaves)]
    return seen


def written(events: list[Event], **options: Any) -> EventLog:
    log = EventLog(**options)
    for event in events:
        log.append(event)
    return log


@pytest.mark.parametrize(
    "events",
    [
        [GradMeasured(1, 0, "step", None), GradMeasured(1, 1, "step", 0.0), GradMeasured(1, 2, "step", -0.0)],
        [GradMeasured(1, 0, "step", 1, 0.5, True, None, [[1.0, 2.0]]), GradMeasured(1, 1, "step", 1.0)],
        [ReplicaDigests(1, 0, 1, (0, 1), (2**63, 2**64 - 1)), ReplicaDigests(2, 0, 2**63, (0,), (1,))],
        [GroupsSeen(1, 0, (Group((0, 1), 0.1),)), Noted("a"), Noted("a"), Noted("b")],
        [ValueMeasured(1, 0, True, None), ValueMeasured(1, 0, False, 0, undone=-1, before=[1j], after=(2,))],
    ],
)
def test_what_is_packed_comes_out_as_it_was(events: list[Event]) -> None:
    assert repr(list(unpack(pack(events)))) == repr(events)


def test_what_cannot_be_packed_is_kept_as_it_is() -> None:
    class Odd(str):
        pass

    events = [Noted(Odd("a"))] * 5_000
    assert type(written(events * 2).events()[0].text) is Odd  # type: ignore[attr-defined]


def test_numbers_that_are_not_finite_stay_what_they_are() -> None:
    events = [GradMeasured(1, leaf, "step", norm) for leaf, norm in enumerate((math.nan, math.inf, -math.inf, 1.0))]
    assert repr(list(unpack(pack(events)))) == repr(events)


def test_a_few_events_are_a_plain_tuple() -> None:
    assert written([Noted("a")]).events([GRAPH], [Noted("b")]) == (GRAPH, Noted("a"), Noted("b"))


@pytest.mark.parametrize("memory", [0, 20_000, 1 << 30])
def test_many_events_are_the_same_from_memory_and_from_the_file(memory: int) -> None:
    events = [event for number in range(1, 40) for event in step(number)]
    events.insert(5_000, GRAPH)
    found = written(events, memory=memory).events([Noted("head")], [Noted("tail")])
    assert isinstance(found, Events)
    whole = (Noted("head"), *events, Noted("tail"))
    assert len(found) == len(whole)
    assert found == whole
    assert found[5_001] is GRAPH
    assert (found[-1], found[1], found[4:9:2]) == (Noted("tail"), events[0], whole[4:9:2])
    assert found[::-1][0] == Noted("tail")
    assert pickle.loads(pickle.dumps(found)) == whole


def test_what_was_given_out_does_not_grow_with_the_log() -> None:
    log = written(step(1) * 30)
    found = log.events()
    log.append(Noted("later"))
    assert (len(found), len(log)) == (451 * 30, 451 * 30 + 1)
    assert Noted("later") not in found


def test_many_steps_of_150_parameters_stay_in_the_bounds_of_memory() -> None:
    log = EventLog(memory=1 << 18)
    tracemalloc.start()
    for number in range(1, 201):
        for event in step(number):
            log.append(event)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(log) == 90_200
    assert used < 3 * 1024**2


def test_without_room_for_a_temporary_file_the_events_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    events = step(1) * 30
    assert written(events, memory=0).events() == tuple(events)


def test_the_temporary_file_is_gone_with_the_last_that_reads_it() -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    found = written(step(1) * 30, memory=0).events()
    assert len(found) == 13_530
    del found
    gc.collect()
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_write_over_what_its_parent_wrote() -> None:
    events = step(1) * 30
    log = written(events, memory=0)
    child = os.fork()
    if not child:
        for event in step(2) * 20:
            log.append(event)
        os._exit(0)
    os.waitpid(child, 0)
    for event in events:
        log.append(event)
    assert log.events() == (*events, *events)
