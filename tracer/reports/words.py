"""Words and numbers that all formats share: symbols, one-sentence answers, short lists of names, clean text."""

from __future__ import annotations

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from tracer.diagnosis.findings import Report

#: severity -> (symbol, ASCII symbol, word, colour of the terminal)
LOOKS = {
    "error": ("✗", "x", "error", "red"),
    "warning": ("▲", "!", "warning", "yellow"),
    "info": ("●", "i", "info", "blue"),
    "ok": ("✓", "+", "ok", "green"),
}

#: role of a place -> what it is to the reader
ROLES = {
    "cut": "the path is cut here",
    "block": "inside this block",
    "reentry": "its value goes on here, without history",
    "made": "made here",
    "optimizer": "the optimizer is built here",
    "replaced": "replaced here",
    "culprit": "the gradient goes bad here",
    "cleared": "the gradient is reset here",
    "overwritten": "written here",
    "hook": "the hook",
    "backward": "backward is called here",
    "step": "the step",
    "dropped": "its result is last used here",
    "return": "its result is left out here",
    "changed": "changed here",
    "term": "the term joins the loss here",
}


def clean(text: str, most: int = 2_000) -> str:
    """Return text without control, bidirectional and other invisible characters, cut to a length.

    Names of modules and files come from the traced program: a terminal escape in one must stay visible text.
    """
    shown = "".join(sign if visible(sign) else f"\\x{ord(sign):02x}" for sign in text[: most + 1])
    return shown if len(text) <= most else shown[: most - 1] + "…"


def visible(sign: str) -> bool:
    """Tell whether a sign shows as itself: no control, no direction, no half character."""
    return sign == " " or unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def short_file(file: str) -> str:
    """Return a path as it reads best: a library's file from its package on."""
    for mark in ("/site-packages/", "/dist-packages/"):
        if mark in file:
            return file.rpartition(mark)[2]
    return file


def dedented(code: Sequence[str]) -> list[str]:
    """Return source lines without the indentation that all of them share."""
    return textwrap.dedent("\n".join(code)).split("\n") if code else []


def elide(text: str, most: int, mark: str = "…") -> str:
    """Return a name in at most ``most`` signs: parts in its middle give way, first and last part stay.

    Numbers stay where they can: repeated layers differ in them.
    ``encoder.layers.0.attention.weight`` becomes ``encoder.layers…attention.weight``.
    """
    if len(text) <= most:
        return text
    parts = text.split(".")
    fitting = [
        (sum(part.isdigit() for part in (*parts[:head], *parts[-tail:])), len(shown), tail, shown)
        for head in range(1, min(len(parts), most))  # more parts do not fit, were each empty
        for tail in range(1, min(len(parts) - head, most - head))
        if len(shown := f"{'.'.join(parts[:head])}{mark}{'.'.join(parts[-tail:])}") <= most
    ]
    return max(fitting)[-1] if fitting else f"{mark}{text[-max(1, most - len(mark)) :]}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a number in few characters; "-" for None."""
    return "-" if value is None else f"{value:.{digits}g}"


def counts(report: Report) -> Counter[str]:
    """Return how many parameters have each verdict, most frequent first."""
    return Counter(row.verdict for row in report.parameters)


def answer(report: Report) -> str:
    """Return the whole diagnosis as one sentence."""
    total = len(report.parameters)
    if total == 0:
        return "No parameter was seen: nothing that the program ran had any, or none of it ran while recording."
    bad = [row for row in report.parameters if row.severity in ("error", "warning")]
    moved = sum(row.verdict == "updated" for row in report.parameters)
    still = sum(row.verdict in ("frozen", "frozen_in_optimizer") for row in report.parameters)
    rest = f", {still} of {total} frozen" if still else ""
    if not bad:
        worst = [finding for finding in report.findings if finding.severity in ("error", "warning")]
        if worst:
            return f"Every parameter that should train does ({moved} updated{rest}), but: {worst[0].message}"
        if report.raised:
            what = report.raised[0].partition(": ")[0].rstrip(".")
            return f"{what}; apart from that all is well: {moved} of {total} parameters updated{rest}."
        return f"All is well: {moved} of {total} parameters updated{rest}."
    verdicts = Counter(row.verdict for row in bad).most_common()
    named = ", ".join(f"{count} {name}" for name, count in verdicts)
    return f"{len(bad)} of {total} parameters do not train as they should: {named}."


def shortened(names: Sequence[str], everyone: Iterable[str], most: int = 6) -> list[str]:
    """Return names as few globs: ``encoder.*`` where all of the encoder's names are meant, and no other.

    Args:
        names: what is to be named.
        everyone: all names there are, to prove that a glob is exact.
    """
    wanted, others = set(names), set(everyone) - set(names)
    if not others and len(wanted) > most:
        return ["* (all parameters)"]
    taken = {prefix for other in others for prefix in _prefixes(other)}
    inside: dict[str, list[str]] = {}
    for name in wanted:
        for prefix in _prefixes(name):
            inside.setdefault(prefix, []).append(name)
    shown: list[str] = []
    covered: set[str] = set()
    for name in names:
        if name in covered:
            continue
        widest = next((prefix for prefix in _prefixes(name) if prefix not in taken), None)
        members = [name] if widest is None else inside[widest]
        covered.update(members)
        shown.append(f"{widest}*" if len(members) > 1 else name)
    return shown if len(shown) <= most else [*shown[: most - 1], f"and {len(shown) - most + 1} more"]


def _prefixes(name: str) -> list[str]:
    """Return the modules around a name, outermost first: ``["encoder.", "encoder.layers."]``."""
    parts = name.split(".")
    return [".".join(parts[:size]) + "." for size in range(1, len(parts))]
