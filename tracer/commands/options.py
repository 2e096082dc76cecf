"""Options that several commands share, and the one value they become."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tracer.errors import UsageError

DEFAULT_FORMATS = "text,json,svg,html"
SEVERITIES = ("error", "warning")


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go, in which formats, and what they do to the exit status."""

    out: Path | None
    formats: tuple[str, ...]
    fail_on: str  #: "error", "warning" or "never"
    quiet: bool
    color: str  #: "auto", "always" or "never"
    engine: str | None
    depth: int | None  #: levels of modules that the picture shows; None lets it choose
    focus: str | None = None  #: a parameter or module: the picture closes all others
    expand: tuple[str, ...] = ()  #: globs of modules that the picture opens
    only_problems: bool = False  #: leave healthy leaves out of the picture

    @property
    def choices(self) -> dict[str, Any]:
        """What was chosen for the picture."""
        chosen = {
            "depth": self.depth,
            "focus": self.focus,
            "expand": self.expand or None,
            "only_problems": self.only_problems or None,
        }
        return {key: value for key, value in chosen.items() if value is not None}


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that writes. The command takes them as one ``Output``."""
    for option in reversed(_OUTPUT_OPTIONS):
        command = option(command)
    return command


_OUTPUT_OPTIONS = (
    click.option("--out", type=click.Path(path_type=Path), help="Folder to write to."),
    click.option("--format", "formats", default=DEFAULT_FORMATS, show_default=True, help="Comma list of formats."),
    click.option(
        "--fail-on",
        default="never",
        type=click.Choice(["error", "warning", "never"]),
        show_default=True,
        help="Findings that make the exit status 1.",
    ),
    click.option("--quiet", is_flag=True, help="Print nothing but errors."),
    click.option(
        "--color",
        default="auto",
        type=click.Choice(["auto", "always", "never"]),
        show_default=True,
        help="Colours on the terminal.",
    ),
    click.option("--engine", help="Layout engine: dot or graphviz-pure (default: the first there is)."),
    click.option("--depth", type=click.IntRange(min=0), help="Levels of modules that the picture shows."),
    click.option("--focus", metavar="NAME", help="Open this parameter or module in the picture, close all others."),
    click.option("--expand", metavar="GLOB", multiple=True, help="Open these modules too; may be given again."),
    click.option("--only-problems", is_flag=True, help="Leave healthy leaves out of the picture."),
)


def read_output(given: dict[str, Any]) -> Output:
    """Take the shared options out of a command's arguments, checked.

    Raises:
        UsageError: for a format that does not exist.
    """
    names = tuple(dict.fromkeys(name.strip() for name in given.pop("formats").split(",") if name.strip()))
    check_formats(names)
    keys = ("out", "fail_on", "quiet", "color", "engine", "depth", "focus", "expand", "only_problems")
    return Output(formats=names, **{key: given.pop(key) for key in keys})


def check_formats(names: tuple[str, ...]) -> None:
    """Make sure that each format exists."""
    from tracer.reports.registry import FORMATS

    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        seen = f"there is no format {unknown[0]!r}." if unknown else "--format is empty."
        raise UsageError(seen, f"The formats are {', '.join(FORMATS)}.", slug="unknown-format")


def make_folder(path: Path) -> Path:
    """Make a folder to write to, before any long work.

    Raises:
        UsageError: when it cannot be made or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise _unwritable(path, "permission denied")
    return path


def _unwritable(path: Path, reason: str) -> UsageError:
    return UsageError(f"cannot write to {path}: {reason}.", "Give --out a folder to write to.", slug="unwritable")
