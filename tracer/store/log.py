"""A long list of events in little memory: packed as it grows, and beyond a limit in a temporary file."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Any, overload

from tracer.events import Event, GraphSeen
from tracer.store.packing import pack, unpack

#: So many events are packed at a time.
PIECE = 4_096
#: Most bytes of packed events in memory; what comes later goes to a temporary file.
MEMORY = 8 * 1024**2


class _Piece:
    """Some packed events, in memory or in a file."""

    __slots__ = ("_at", "_packed", "_spool", "count")

    def __init__(self, packed: bytes, count: int, spool: _Spool) -> None:
        self.count = count
        self._spool = spool
        self._at = spool.put(packed)
        self._packed = packed if self._at is None else None

    def __iter__(self) -> Iterator[Event]:
        if self._packed is not None:
            return unpack(self._packed)
        assert self._at is not None
        return unpack(self._spool.get(*self._at))


class _Spool:
    """The temporary file of one log: it has no name, and is gone with the last that refers to it."""

    def __init__(self, memory: int) -> None:
        self._left = memory
        self._file: IO[bytes] | None = None
        self._end = 0
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def put(self, packed: bytes) -> tuple[int, int] | None:
        """Write once memory is full; return place and length, None for what is to stay in memory."""
        if self._left >= len(packed):
            self._left -= len(packed)
            return None
        if os.getpid() != self._pid:
            return None  # a forked process has the same file open, and would write over its parent's
        try:
            with self._lock:
                if self._file is None:
                    self._file = tempfile.TemporaryFile(prefix="tracer-")  # noqa: SIM115
                self._file.seek(self._end)
                self._file.write(packed)
                self._file.flush()
                place, self._end = self._end, self._end + len(packed)
        except OSError:
            self._left = 1 << 62  # no room for files: memory is what is left
            return None
        return place, len(packed)

    def get(self, place: int, length: int) -> bytes:
        assert self._file is not None
        with self._lock:
            self._file.seek(place)
            return self._file.read(length)

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


_Part = _Piece | Sequence[Event]


class Events(Sequence[Event]):
    """An unchanging sequence of events, unpacked while it is read; equal to a tuple of the same events."""

    __slots__ = ("_count", "_parts")

    def __init__(self, parts: Iterable[_Part]) -> None:
        self._parts = tuple(parts)
        self._count = sum(part.count if isinstance(part, _Piece) else len(part) for part in self._parts)

    def __iter__(self) -> Iterator[Event]:
        for part in self._parts:
            yield from part

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Event, ...]: ...
    def __getitem__(self, index: int | slice) -> Event | tuple[Event, ...]:
        if isinstance(index, slice):
            wanted = range(self._count)[index]
            if wanted.step > 0:
                return tuple(islice(self, wanted.start, max(wanted.start, wanted.stop), wanted.step))
            return tuple(self)[index]
        return next(islice(self, range(self._count)[index], None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Events | tuple):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash((Events, self._count))

    def __repr__(self) -> str:
        return repr(tuple(self))

    def __reduce__(self) -> Any:
        return tuple, (list(self),)


Strip = Callable[[list[Event], list[Event]], list[Event]]


class EventLog:
    """Append-only; packs what it holds piece by piece. Give the whole with ``events``."""

    def __init__(self, memory: int = MEMORY, strip: Strip | None = None) -> None:
        """Begin empty.

        Args:
            memory: most bytes of packed events in memory.
            strip: gets the events that are about to be packed, and those after them; returns what is kept.
        """
        self._spool = _Spool(memory)
        self._strip = strip
        self._parts: list[_Part] = []
        self._packed = 0
        self._older: list[Event] = []  #: the piece before ``_fresh``
        self._fresh: list[Event] = []

    def append(self, event: Event) -> None:
        self._fresh.append(event)
        if len(self._fresh) >= PIECE:
            self._pack()

    def __len__(self) -> int:
        return self._packed + len(self._older) + len(self._fresh)

    def _pack(self) -> None:
        fresh, self._older, self._fresh = self._older, self._fresh, []
        self._packed += len(fresh)
        if self._strip is not None:
            fresh = self._strip(fresh, self._older)
        start = 0
        for i, event in enumerate(fresh):
            # kept as it is: there are few, and one may have a million nodes, which many events refer to
            if isinstance(event, GraphSeen):
                self._put(fresh[start:i])
                self._parts.append((event,))
                start = i + 1
        self._put(fresh[start:])

    def _put(self, events: list[Event]) -> None:
        if not events:
            return
        try:
            self._parts.append(_Piece(pack(events), len(events), self._spool))
        except (ValueError, MemoryError):
            self._parts.append(tuple(events))

    def events(self, head: Iterable[Event] = (), tail: Iterable[Event] = ()) -> Sequence[Event]:
        """Return all events so far, between others: a tuple, or when there are many, ``Events``."""
        rest = (*self._older, *self._fresh, *tail)
        return Events(((*head,), *self._parts, rest)) if self._parts else (*head, *rest)
