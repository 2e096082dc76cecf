"""Which line and which module made an autograd node: looked up by sequence number.

The hot path appends one tuple per call that made nodes, and one per module call. Nothing is done per node
before a backward asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from types import CodeType
from typing import Any

#: (first sequence number, one past the last, code, f_lasti, function)
Made = tuple[int, int, CodeType, int, Callable[..., Any]]
#: (first, one past the last, module key)
Called = tuple[int, int, int]

#: With more entries than this, those before the previous step are dropped.
KEPT = 30_000


class Origins:
    """Append-only logs of function calls and module calls, pruned as steps pass."""

    def __init__(self) -> None:
        self.made: list[Made] = []
        self.called: list[Called] = []
        self._marks: list[tuple[int, int]] = []

    def function_at(self, seq: int) -> Made | None:
        """Return the call that made the node with this sequence number, or None."""
        made = self.made
        i = bisect_right(made, seq, key=_first) - 1
        if i >= 0 and made[i][0] <= seq < made[i][1]:
            return made[i]
        return None

    def modules_of(self, seqs: list[int]) -> list[int | None]:
        """Return, for each sequence number, the innermost module call that holds it (or None)."""
        order = sorted(range(len(seqs)), key=seqs.__getitem__)
        # Outer calls start no later and end no earlier than inner ones.
        calls = sorted(self.called, key=lambda c: (c[0], -c[1]))
        result: list[int | None] = [None] * len(seqs)
        open_calls: list[Called] = []
        at = 0
        for i in order:
            seq = seqs[i]
            while at < len(calls) and calls[at][0] <= seq:
                open_calls.append(calls[at])
                at += 1
            while open_calls and open_calls[-1][1] <= seq:
                open_calls.pop()
            inner = open_calls[-1] if open_calls else None
            result[i] = inner[2] if inner is not None and inner[1] > seq else None
        return result

    def step_ended(self) -> None:
        """Drop what is older than the previous step, once there is much of it."""
        self._marks.append((len(self.made), len(self.called)))
        if len(self._marks) < 3:
            return
        made, called = self._marks[-3]
        if made > KEPT or called > KEPT:
            del self.made[:made], self.called[:called]
            self._marks = [(m - made, c - called) for m, c in self._marks[-2:]]
        elif len(self._marks) > 1000:
            del self._marks[:500]


def _first(entry: Made) -> int:
    return entry[0]
