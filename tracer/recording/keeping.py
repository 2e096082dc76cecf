"""Keeps the unfinished trace in a file while the program runs, so that a run that is killed leaves it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tracer.traces import Trace

#: Seconds between two savings, at least.
EVERY = 2.0
#: And so many times as long as the last one took: saving costs at most 1/30 of the time.
SHARE = 30


class Keeping:
    """Saves what was recorded so far, now and then.

    Args:
        take: gives the trace as it is now.
        save: writes it, all of it or nothing.
        clock: seconds, for tests.
    """

    def __init__(
        self, take: Callable[[], Trace], save: Callable[[Trace], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._take = take
        self._save = save
        self._clock = clock
        self._next = 0.0

    def progress(self) -> None:
        """A step or a backward has ended: save when it is time. Raises what ``save`` raises, and then no more."""
        now = self._clock()
        if now < self._next:
            return
        self._next = float("inf")  # if it fails: a full disk stays full
        self._save(self._take())
        after = self._clock()
        self._next = after + max(EVERY, SHARE * (after - now))
