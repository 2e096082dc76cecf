"""Medians of interleaved runs: each round runs every watcher once, so that a busy machine hits all alike."""

from __future__ import annotations

import gc
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from benchmarks.watchers import Watcher
from benchmarks.workloads import Training

#: Steps after which a recording has settled.
SETTLED = 10


@dataclass
class Timings:
    """Seconds of single steps under one watcher. CPU time: other work on the machine counts less in it."""

    first: list[float] = field(default_factory=list)  #: the first step of each round
    early: list[float] = field(default_factory=list)  #: the 2nd to the 10th
    later: list[float] = field(default_factory=list)  #: those after them
    wall: list[float] = field(default_factory=list)  #: wall time of the later steps
    failure: str = ""  #: why it could not be measured

    def step(self) -> float:
        return median(self.later or self.early or self.first)


class TooSlow(Exception):
    """A watcher ran out of its time."""


def measure(
    training: Training,
    watchers: dict[str, Watcher],
    *,
    rounds: int,
    steps: int,
    limit: float,
    say: Callable[[str], None],
) -> dict[str, Timings]:
    """Run ``rounds`` rounds of ``1 + steps`` steps under each watcher, one after the other.

    Tracing costs most in its first steps and settles after eight that are the same: ``steps`` above some 16 shows
    what it costs in a long run.

    Args:
        limit: seconds that one watcher may take for one round; a slower one is left out from then on.
    """
    found = {name: Timings() for name in watchers}
    for number in range(rounds):
        # Every other round runs backwards: the one that comes after a slow watcher is not always the same.
        for name in list(watchers) if number % 2 == 0 else reversed(list(watchers)):
            if not found[name].failure:
                say(f"round {number + 1} of {rounds}: {name}")
                _round(training, watchers[name], found[name], steps, limit)
    return found


def _round(training: Training, watcher: Watcher, into: Timings, steps: int, limit: float) -> None:
    gc.collect()
    try:
        with _limited(limit), watcher(training) as step:
            for number in range(1 + steps):
                cpu, wall = time.process_time(), time.perf_counter()
                step()
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                (into.first if not number else into.early if number < SETTLED else into.later).append(cpu)
                if number >= SETTLED:
                    into.wall.append(wall)
    except TooSlow:
        into.failure = f"over {limit:.0f} s"
    except Exception as error:  # another tool's limits are a result, not an error of the benchmark
        into.failure = f"{type(error).__name__}: {error}".splitlines()[0][:100]


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
