"""Source lines for findings: place keys become ``Where`` values, each line once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tracer.diagnosis.facts import Facts, LeafFacts
from tracer.diagnosis.findings import Where


def line_at(facts: Facts, place: int | None, role: str, op: str = "") -> tuple[Where, ...]:
    """Return the line behind a place key, as a tuple of one; empty where the place is not known."""
    seen = None if place is None else facts.places.get(place)
    if seen is None:
        return ()
    return (Where(seen.file, seen.line, seen.function, op, role, seen.code, seen.first),)


def text_of(facts: Facts, place: int | None, before: str = " at ") -> str:
    """Return `` at net.py:34`` for a sentence; '' where the place is not known."""
    seen = None if place is None else facts.places.get(place)
    return "" if seen is None else f"{before}{seen.file}:{seen.line}"


def unique(lines: Iterable[Where]) -> tuple[Where, ...]:
    """Return the lines without repetition, in their order; the first role of a line stands."""
    kept: dict[tuple[str, int], Where] = {}
    for line in lines:
        kept.setdefault((line.file, line.line), line)
    return tuple(kept.values())


def optimizer_text(facts: Facts, optimizer: int | None) -> str:
    """Return ``Adam `optimizer``` or just the class where the name says no more."""
    seen = None if optimizer is None else facts.optimizers.get(optimizer)
    if seen is None:
        return "the optimizer"
    return seen.cls if seen.name in ("", seen.cls) else f"{seen.cls} `{seen.name}`"


def optimizers_text(facts: Facts, optimizers: Iterable[int], most: int = 3) -> str:
    """Return ``Adam `first`, SGD `second` (2 of that name)``: each text once, at most ``most`` of them."""
    often = Counter(optimizer_text(facts, key) for key in optimizers)
    parts = [text if count == 1 else f"{text} ({count} of that name)" for text, count in often.items()]
    rest = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + rest


def optimizer_lines(facts: Facts, optimizers: Iterable[int]) -> tuple[Where, ...]:
    """Return where the given optimizers were built."""
    built = (facts.optimizers[key] for key in optimizers if key in facts.optimizers)
    return unique(line for seen in built for line in line_at(facts, seen.place, "optimizer", seen.cls))


def made_lines(facts: Facts, leaf: LeafFacts) -> tuple[Where, ...]:
    """Return where the parameter, or the module that holds it, was built."""
    lines = line_at(facts, leaf.seen.place, "made")
    if leaf.module is not None:
        lines += line_at(facts, leaf.module.place, "made", leaf.module.cls)
    return unique(lines)


def number(value: float | None) -> str:
    """Return a number for a sentence: three digits."""
    return "unknown" if value is None else f"{value:.3g}"


def times(count: int, what: str) -> str:
    """Return ``1 step`` or ``3 steps``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
