"""``python -m tests.store.fuzzing [SECONDS] [SEED]``: damaged, foreign and hostile traces, as many as time allows.

Each input must give a trace or a ``TraceFileError``, within a second and a bound of memory; some of those that give
a trace are judged and drawn too, as ``tracer report`` does. Prints the counts; the status is 1 when anything else
came of an input, which is then kept in a file.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracer.errors import TraceFileError, TracerError
from tracer.store.jsonl import load

#: Slower than this for an input of a few kilobytes is a hang.
SLOW = 5.0
#: Most bytes that an input may unpack to.
MOST = 5_000_000
#: One in so many traces that load is also judged and drawn.
JUDGED = 40

_SCALARS: list[Any] = [
    None, True, False, 0, 1, -1, 2**31, 2**63, 10**400, 0.5, -0.0, 1e308, "", "x", "\x00", "\u202e", "\ud800",
    "a" * 5000, [], {}, [[]], [{}], {"float": "nan"}, {"float": "x"}, {"tuple": []}, {"complex": [1, 2]},
    {"complex": ["x", {}]}, {"tuple": [{"tuple": [{"tuple": []}]}]}, "<script>", "../../etc/passwd", "\x1b[2J",
]  # fmt: skip


def seeds() -> list[bytes]:
    """Return the lines of a trace of every kind of event, uncompressed."""
    import torch

    import tracer
    from tests.neutral.faults import program
    from tracer.store.jsonl import save

    with tracer.record(detail="full") as recording, tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        program()
        # the head and the end of the recording have all kinds; the middle repeats them
        return save(recording.trace, Path(folder) / "seed.jsonl").read_bytes().splitlines(keepends=True)[:400]


def mutate(lines: list[bytes], rng: random.Random) -> bytes:
    """Return a damaged copy of a file's content."""
    kept = list(lines[: rng.randint(1, min(len(lines), rng.choice((3, 10, 60, 400))))])
    for _ in range(rng.randint(1, 4)):
        rng.choice((_row, _row, _row, _shuffle, _bytes_of_line))(kept, rng)
    content = b"".join(kept)
    if rng.random() < 0.5:
        content = gzip.compress(content, 1)
    if rng.random() < 0.3:
        content = _bytes(content, rng)
    return content


def _row(lines: list[bytes], rng: random.Random) -> None:
    """Change something inside the JSON of one line."""
    at = rng.randrange(len(lines))
    try:
        row = json.loads(lines[at])
    except (ValueError, RecursionError):
        return
    found: list[tuple[Any, Any]] = []
    todo: list[Any] = [row]
    for item in todo:  # grows while it is read
        pairs = list(item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ())
        found += [(item, key) for key, _ in pairs[:50]]
        todo += [value for _, value in pairs[:50]]
    if found:
        owner, key = rng.choice(found)
        action = rng.random()
        if action < 0.7:
            owner[key] = rng.choice(_SCALARS) if action < 0.5 else _nudged(owner[key], rng)
        elif action < 0.85:
            del owner[key]
        elif isinstance(owner, dict):
            owner[rng.choice(("x", "text", "leaf", "\x00"))] = rng.choice(_SCALARS)
        else:
            owner.extend([owner[key]] * rng.choice((1, 3, 1000)))
    lines[at] = json.dumps(row).encode() + b"\n"


def _nudged(value: Any, rng: random.Random) -> Any:
    if isinstance(value, int):
        return value + rng.choice((-1, 1, 1000, -1000))
    return [value, value] if rng.random() < 0.5 else str(value)


def _shuffle(lines: list[bytes], rng: random.Random) -> None:
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    if rng.random() < 0.5:
        lines[a], lines[b] = lines[b], lines[a]
    else:
        lines.insert(a, lines[b])


def _bytes_of_line(lines: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(lines))
    lines[at] = _bytes(lines[at], rng)


def _bytes(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if not data:
            break
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.choice((1, 10, 1000))]
            case 2:
                data[at:at] = rng.choice((b"\n", b"[" * 3000, b"{", b'"', b"\xff", b"\x00" * 50, b"9" * 6000))
            case _:
                del data[at:]
    return bytes(data)


def check(path: Path, judge: bool) -> str:
    """Read one file; return what came of it.

    Raises:
        Exception: whatever is not a ``TracerError``.
    """
    started = time.monotonic()
    try:
        trace = load(path, max_bytes=MOST)
    except TraceFileError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"no single sentence: {error!r}") from error
        return "refused"
    finally:
        if time.monotonic() - started > SLOW:
            raise AssertionError(f"{time.monotonic() - started:.1f} s to read")
    if not judge:
        return "read"
    try:
        _judge(trace)
    except TracerError:
        return "refused later"
    return "judged"


def _judge(trace: Any) -> None:
    from tracer.api import build_graph, diagnose
    from tracer.reports.registry import FORMATS

    report = diagnose(trace)
    build_graph(trace)
    for name in ("json", "text", "dot", "sarif", "md", "graphml"):
        FORMATS[name].render(trace, report)


def fuzz(seconds: float, seed: int, tell: Callable[[str], None] = print, most: int = 10**9) -> Counter[str]:
    """Try inputs until time is up or ``most`` were tried; return how many came to what."""
    rng, lines, counts = random.Random(seed), seeds(), Counter[str]()
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "input.gz"
        while time.monotonic() < until and counts.total() < most:
            content = mutate(lines, rng)
            path.write_bytes(content)
            try:
                counts[check(path, judge=counts.total() % JUDGED == 0)] += 1
            except Exception as error:
                counts["wrong"] += 1
                kept = Path(tempfile.gettempdir()) / f"fuzz-{seed}-{counts.total()}.gz"
                kept.write_bytes(content)
                at = traceback.extract_tb(error.__traceback__)[-1]
                tell(f"{type(error).__name__}: {str(error)[:200]} at {at.filename}:{at.lineno} ({kept})")
    return counts


if __name__ == "__main__":
    found = fuzz(float((sys.argv[1:2] or ["60"])[0]), int((sys.argv[2:3] or ["0"])[0]))
    print(f"{found.total():,} inputs: " + ", ".join(f"{count:,} {what}" for what, count in found.most_common()))
    sys.exit(int(found["wrong"] > 0))
