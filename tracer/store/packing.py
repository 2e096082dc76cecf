"""Events in few bytes: a run of events of one kind becomes one column per field.

In memory an event is an object with a pointer and a number object per field. A training step of 150 parameters
makes 600 of them, and nearly all fields of a run are alike, or plain numbers. Packed, they take a tenth.
"""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby, repeat
from operator import attrgetter
from typing import Any

from tracer.events import Event, Group
from tracer.store.encoding import KINDS

#: How a column is kept: one value for all, 64-bit numbers in a row, the values themselves, or param groups.
_ONE, _INTS, _FLOATS, _ALL, _GROUPS = range(5)

#: (name of the kind, how many, a column per field)
_Run = tuple[str, int, tuple[tuple[int, Any], ...]]


def pack(events: Sequence[Event]) -> bytes:
    """Return events as bytes that ``unpack`` reads; for this process and its temporary files only.

    Raises:
        ValueError: when a field holds something other than plain values.
    """
    runs: list[_Run] = []
    for kind, members in groupby(events, type):
        run = list(members)
        columns = tuple(_column(list(map(read, run))) for read in _getters(kind))
        runs.append((kind.__name__, len(run), columns))
    return marshal.dumps(runs)


def unpack(packed: bytes) -> Iterator[Event]:
    """Yield the events of ``pack``, equal to what was given, in order."""
    runs: list[_Run] = marshal.loads(packed)
    for name, count, columns in runs:
        yield from map(KINDS[name], *(_values(how, kept, count) for how, kept in columns))


def _getters(kind: type) -> tuple[attrgetter[Any], ...]:
    found = _known.get(kind)
    if found is None:
        found = _known[kind] = tuple(attrgetter(field.name) for field in fields(kind))
    return found


_known: dict[type, tuple[attrgetter[Any], ...]] = {}


def _column(values: list[Any]) -> tuple[int, Any]:
    first = values[0]
    kinds = set(map(type, values))
    if len(kinds) == 1:
        if kinds == {int}:
            return (_ONE, first) if values.count(first) == len(values) else _numbers(_INTS, "q", values)
        if kinds == {float}:
            # not compared: 0.0 equals -0.0, and a NaN not even itself
            return (_ONE, first) if len(values) == 1 else _numbers(_FLOATS, "d", values)
        if kinds <= {bool, str, type(None)} and values.count(first) == len(values):
            return _ONE, first
    if kinds == {tuple} and any(value and type(value[0]) is Group for value in values):
        return _GROUPS, [[(g.leaves, g.lr, g.weight_decay, g.momentum) for g in groups] for groups in values]
    return (_ONE, first) if len(values) == 1 else (_ALL, values)


def _numbers(how: int, code: str, values: list[Any]) -> tuple[int, Any]:
    try:
        return how, array(code, values).tobytes()
    except OverflowError:  # a whole number of more than 63 bits
        return _ALL, values


def _values(how: int, kept: Any, count: int) -> Any:
    if how == _ONE:
        return repeat(kept, count)
    if how == _ALL:
        return kept
    if how == _GROUPS:
        return (tuple(Group(*group) for group in groups) for groups in kept)
    return array("q" if how == _INTS else "d", kept)
