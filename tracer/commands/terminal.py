"""The terminal: colour as asked for, progress only where someone watches."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def open_console(color: str, *, stderr: bool = False, width: int = 100) -> Console:
    """Return a console for stdout or stderr.

    Args:
        color: "auto", "always" or "never".
        width: columns where the stream is no terminal, and so has no width of its own.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        force_terminal=True if color == "always" else None,
        no_color={"never": True, "always": False}.get(color),
        color_system="standard" if color == "always" else "auto",
        width=None if stream.isatty() else width,
        highlight=False,
        soft_wrap=False,
    )


def say(line: str, *, stderr: bool = False) -> None:
    """Print one line: terminal escapes in a traced program's names stay visible text, in any encoding."""
    from tracer.reports.words import clean

    stream = sys.stderr if stderr else sys.stdout
    encoding = stream.encoding or "utf-8"
    print(clean(line).encode(encoding, "replace").decode(encoding), file=stream)


def show_progress(text: str, *, quiet: bool = False) -> None:
    """Say what is being done on stderr, when that is a terminal."""
    if not quiet and sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)
