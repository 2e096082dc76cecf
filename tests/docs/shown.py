"""What a page shows: fenced blocks, and commands with the output that they should have."""

from __future__ import annotations

import re
from collections.abc import Iterator

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, text: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return [body for name, body in FENCE.findall(text) if name == language]


def commands(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield (arguments of tracer, lines that it should print) of every command shown with its output."""
    for block in blocks("console", text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *lines = part.splitlines()
            name, *arguments = command.split()
            assert name == "tracer"
            yield arguments, lines


def matches(shown: list[str], printed: list[str]) -> bool:
    """Tell whether lines are those shown, where ``...`` stands for any number of lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line.rstrip()) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None
