"""What the program raised, in sentences: where, and the line that made it so where that is known."""

from __future__ import annotations

from tracer.diagnosis.facts import Facts
from tracer.diagnosis.lines import text_of
from tracer.events import ErrorRaised

#: Characters of PyTorch's own words that are kept.
WORDS = 160


def raised_in(facts: Facts) -> tuple[str, ...]:
    """Return one sentence or two for each exception, each once."""
    return tuple(dict.fromkeys(_told(facts, error) for error in facts.errors))


def _told(facts: Facts, error: ErrorRaised) -> str:
    words = (error.text.strip().splitlines() or [""])[0].partition(". ")[0].rstrip(".")
    words = f"{words}." if len(words) < WORDS else f"{words[: WORDS - 3]}..."
    said = f"{error.kind} was raised{text_of(facts, error.place)}" + (f": {words}" if error.text else ".")
    if not error.reason:
        return said
    reason = error.reason[0].upper() + error.reason[1:]
    return f"{said} {reason}{text_of(facts, error.because, ': ')}."
