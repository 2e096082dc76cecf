"""A trace as ``trace.jsonl.gz``: a line for the header, then a line ``[kind, fields]`` for each event.

A file is read as data that anyone may have made: JSON only, each field checked, size bounded. What a newer
version wrote and this one does not know is skipped, with a note.
"""

from __future__ import annotations

import gc
import gzip
import json
import os
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from tracer.errors import TraceFileError, UsageError
from tracer.events import SCHEMA, Noted
from tracer.store.encoding import (
    KINDS,
    Mismatch,
    event_from_json,
    event_to_json,
    from_dict,
    to_dict,
    unpack_special,
)
from tracer.store.log import EventLog
from tracer.store.references import References
from tracer.traces import Header, Trace

FORMAT = "tracer.trace"
FILE_NAME = "trace.jsonl.gz"
#: Most bytes that are read from one file, after decompression.
MAX_BYTES = 4 * 1024**3
#: Most bytes in one line; a graph of a million nodes takes about 40 MB.
MAX_LINE = 256 * 1024**2


class DamagedTraceError(TraceFileError):
    """A trace that is damaged in the middle. ``partial`` holds what stands before the damage."""

    def __init__(self, message: str, hint: str, partial: Trace) -> None:
        super().__init__(message, hint, slug="damaged-trace")
        self.partial = partial


# --------------------------------------------------------------------------- writing


def save(trace: Trace, path: str | os.PathLike[str]) -> Path:
    """Write ``trace`` to ``path``, compressed unless the name ends with ``.jsonl``; all of it or nothing.

    Raises:
        UsageError: when the path cannot be written.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".trace-", dir=target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with os.fdopen(handle, "wb") as raw:
            _write(trace, raw, compressed=target.suffix != ".jsonl")
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _unwritable(target, error) from error
        raise
    return target


def _unwritable(target: Path, error: OSError) -> UsageError:
    reason = error.strerror or str(error)
    return UsageError(f"cannot write {target}: {reason}.", "Give a path that can be written.", slug="unwritable")


def _umask() -> int:
    # mkstemp makes files that only their owner reads; a trace has the mode of any new file
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _write(trace: Trace, raw: IO[bytes], *, compressed: bool) -> None:
    if not compressed:
        _write_lines(trace, raw)
        return
    # no name and no time inside: the same trace gives the same bytes
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0) as packed:
        _write_lines(trace, packed)


def _write_lines(trace: Trace, out: IO[bytes] | gzip.GzipFile) -> None:
    head = {
        "format": FORMAT,
        "schema": SCHEMA,
        "events": len(trace.events),
        "header": {"schema": trace.header.schema, **to_dict(trace.header)},
    }
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), ensure_ascii=True, check_circular=False).encode
    out.write(encode(head).encode("ascii") + b"\n")
    for event in trace.events:
        out.write(encode(event_to_json(event)).encode("ascii") + b"\n")


# --------------------------------------------------------------------------- reading


@dataclass(slots=True)
class _Reading:
    """What has been read of one file so far."""

    path: Path
    line: int = 0  #: number of the line being read, from 1
    header: Header = field(default_factory=Header)
    promised: int | None = None  #: how many events the first line announces
    events: EventLog = field(default_factory=EventLog)
    skipped: Counter[str] = field(default_factory=Counter)
    unknown: set[str] = field(default_factory=set)
    references: References = field(default_factory=References)
    newer: int | None = None
    seen: int = 0  #: event lines read, known or not

    def trace(self, *notes: str, finished: bool = True) -> Trace:
        """Return what has been read, with its notes."""
        found = [*notes, *self._notes()]
        header = self.header if finished else replace(self.header, finished=False)
        return Trace(header, self.events.events(tail=(Noted(text) for text in found)))

    def _notes(self) -> Iterator[str]:
        if self.newer is not None:
            yield f"The trace was written in event format {self.newer}; this tracer knows format {SCHEMA}."
        for kind, count in sorted(self.skipped.items()):
            yield f"Events of a kind that this tracer does not know were skipped: {count} x {kind[:60]!r}."
        if self.unknown:
            names = ", ".join(sorted(self.unknown)[:8])
            yield f"Fields that this tracer does not know were skipped: {names}."


def load(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Trace:
    """Read a trace from a file, or from the ``trace.jsonl.gz`` in a folder.

    A file that was cut off gives what it holds, with ``header.finished`` False and a note.

    Raises:
        TraceFileError: when it is missing, no trace, or damaged (then ``partial`` has what came before).
    """
    target = find_trace(path)
    reading = _Reading(target)
    try:
        with target.open("rb") as raw, _without_collector():
            return _read(reading, raw, max_bytes)
    except OSError as error:
        raise TraceFileError(f"cannot read {target}: {error.strerror or error}.", slug="unreadable-trace") from error


@contextmanager
def _without_collector() -> Iterator[None]:
    # a million new tuples make the cycle collector run again and again, and none of them is in a cycle
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def find_trace(path: str | os.PathLike[str]) -> Path:
    """Return the trace file at ``path``, which may be the folder that a run wrote."""
    target = Path(path)
    if target.is_dir():
        ranks = sorted(child.name for child in target.glob("rank*") if (child / FILE_NAME).is_file())
        if not (target / FILE_NAME).is_file() and ranks:
            raise TraceFileError(
                f"{target} holds the traces of {len(ranks)} ranks.",
                f"Name one of them, such as {target / ranks[0]}.",
                slug="many-ranks",
            )
        target = target / FILE_NAME
    if not target.exists():
        raise TraceFileError(f"there is no trace at {target}.", "Name a trace.jsonl.gz or the folder that holds it.")
    return target


def _read(reading: _Reading, raw: IO[bytes], max_bytes: int) -> Trace:
    magic = raw.read(2)
    raw.seek(0)
    packed = magic == b"\x1f\x8b"
    stream: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
    try:
        for line in _lines(stream, reading, max_bytes):
            _take(reading, line)
    except EOFError:
        return _cut_off(reading)
    except (zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(reading, f"its compressed data is broken ({error})") from error
    if reading.line == 0:
        raise TraceFileError(f"{reading.path} is empty: there is no line 1.", "It is no trace.", slug="foreign-file")
    if reading.promised is not None and reading.seen < reading.promised:
        return _cut_off(reading)
    return reading.trace()


def _lines(stream: IO[bytes] | gzip.GzipFile, reading: _Reading, max_bytes: int) -> Iterator[bytes]:
    total = 0
    while True:
        reading.line += 1
        line = stream.readline(min(MAX_LINE, max_bytes - total) + 1)
        total += len(line)
        if total > max_bytes or len(line) > MAX_LINE:
            raise _damaged(reading, f"it unpacks to more than the {max_bytes:,} bytes that are read")
        if not line:
            reading.line -= 1
            return
        if not line.endswith(b"\n"):
            if reading.line == 1 and not line.startswith(b"{"):
                raise _foreign(reading)
            raise EOFError
        yield line


def _take(reading: _Reading, line: bytes) -> None:
    try:
        row = json.loads(line, object_hook=unpack_special)
    except (ValueError, RecursionError, OverflowError) as error:
        if reading.line == 1:
            raise _foreign(reading) from error
        raise _damaged(reading, "it is no JSON") from error
    if reading.line == 1:
        _take_head(reading, row)
    else:
        _take_event(reading, row)


def _take_head(reading: _Reading, row: Any) -> None:
    if not isinstance(row, dict) or row.get("format") != FORMAT or not isinstance(row.get("schema"), int):
        raise _foreign(reading)
    head = row.get("header")
    try:
        reading.header = from_dict(Header, head)
    except Mismatch as error:
        raise _damaged(reading, str(error)) from error
    reading.unknown.update(f"Header.{key}" for key in head or () if key not in Header.__dataclass_fields__)
    reading.promised = row["events"] if isinstance(row.get("events"), int) else None
    reading.newer = row["schema"] if row["schema"] > SCHEMA else None


def _take_event(reading: _Reading, row: Any) -> None:
    if not (isinstance(row, list) and len(row) == 2 and isinstance(row[0], str)):
        raise _damaged(reading, "it holds no event")
    name, found = row
    if name not in KINDS:
        reading.skipped[name] += 1
    else:
        try:
            event, unknown = event_from_json(name, found)
            reading.references.check(event)
        except Mismatch as error:
            raise _damaged(reading, str(error)) from error
        reading.unknown.update(f"{name}.{key}" for key in unknown)
        reading.events.append(event)
    reading.seen += 1


# --------------------------------------------------------------------------- what can be wrong


def _cut_off(reading: _Reading) -> Trace:
    if reading.line == 0 or (reading.line == 1 and reading.promised is None):
        raise TraceFileError(
            f"{reading.path} is cut off in line 1: nothing of it could be read.",
            "Record again.",
            slug="damaged-trace",
        )
    of = "" if reading.promised is None else f" of {reading.promised}"
    note = f"The trace file is cut off at line {reading.line}: {reading.seen}{of} events could be read."
    return reading.trace(note, finished=False)


def _foreign(reading: _Reading) -> TraceFileError:
    return TraceFileError(
        f"{reading.path} is no trace: line 1 is not the header that tracer writes.",
        f"Name a {FILE_NAME} that tracer wrote.",
        slug="foreign-file",
    )


def _damaged(reading: _Reading, reason: str) -> TraceFileError:
    note = f"The trace file is damaged at line {reading.line}: {reading.seen} events could be read before it."
    return DamagedTraceError(
        f"{reading.path} is damaged at line {reading.line}: {reason[:200]};",
        f"{reading.seen} events could be read before it.",
        reading.trace(note, finished=False),
    )
