"""The numbers of small tensors: of a long run those of the first measurements and of the last one are kept.

A report shows where a value began and where it ended; the numbers in between would be most of a long trace.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tracer.events import Event, GradMeasured, ValueMeasured

#: Of each leaf, the numbers of so many first measurements are all kept.
FIRST = 50


class OldNumbers:
    """Takes out of events, before they are packed, the numbers that later events tell anew."""

    def __init__(self) -> None:
        self._kept: Counter[tuple[int, str]] = Counter()

    def __call__(self, older: list[Event], newer: list[Event]) -> list[Event]:
        """Return ``older`` without the numbers that nobody will look at; ``newer`` are the events after them."""
        bare = [event for event in older if not self._among_first(event)]
        if not bare:
            return older
        strip = set(map(id, bare))
        told = {_what(event) for event in newer if isinstance(event, GradMeasured | ValueMeasured)}
        found: list[Event] = []
        for event in reversed(older):
            if isinstance(event, GradMeasured | ValueMeasured):
                what = _what(event)
                found.append(_without(event) if what in told and id(event) in strip else event)
                told.add(what)
            else:
                found.append(event)
        found.reverse()
        return found

    def _among_first(self, event: Event) -> bool:
        if not isinstance(event, GradMeasured | ValueMeasured) or not _has_numbers(event):
            return True
        what = _what(event)
        self._kept[what] += 1
        return self._kept[what] <= FIRST


def _what(event: GradMeasured | ValueMeasured) -> tuple[int, str]:
    return event.leaf, event.when if isinstance(event, GradMeasured) else "value"


def _has_numbers(event: GradMeasured | ValueMeasured) -> bool:
    if isinstance(event, GradMeasured):
        return event.values is not None
    return event.before is not None or event.after is not None


def _without(event: GradMeasured | ValueMeasured) -> Event:
    if isinstance(event, GradMeasured):
        return replace(event, values=None)
    return replace(event, before=None, after=None)
