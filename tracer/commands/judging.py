"""How a command judges a trace: thresholds from ``--set`` and the configuration, and what the project ignores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.diagnosis.findings import Report
    from tracer.diagnosis.ignores import Ignore
    from tracer.diagnosis.settings import Settings
    from tracer.traces import Trace


@dataclass(frozen=True, slots=True)
class Judging:
    """Thresholds and ignores, checked."""

    settings: Settings
    ignores: tuple[Ignore, ...]

    def diagnose(self, trace: Trace) -> Report:
        """Return the report of a trace."""
        from tracer.diagnosis.engine import diagnose

        return self.quieted(diagnose(trace, self.settings))

    def quieted(self, report: Report) -> Report:
        """Return a report with what the project ignores turned down."""
        from tracer.diagnosis.ignores import apply_ignores

        return apply_ignores(report, self.ignores)


def judging_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--set`` to a command that judges."""
    option = click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="A threshold: TR302.ratio=1e-6.")
    return option(command)


def read_judging(given: dict[str, Any]) -> Judging:
    """Take ``--set`` out of a command's arguments, and read the configuration of the working directory.

    Raises:
        UsageError: for an unknown key, a value that is no number, or an ignore that means nothing.
    """
    from tracer.commands.configuration import read_configuration
    from tracer.diagnosis.settings import Settings

    configuration = read_configuration(Path.cwd())
    pairs = dict(configuration.settings)
    for text in given.pop("pairs"):
        key, sign, value = text.partition("=")
        if not sign:
            raise UsageError(f"--set got {text!r}.", "Write --set KEY=VALUE, such as --set TR302.ratio=1e-6.")
        pairs[key.strip()] = value.strip()
    return Judging(Settings.parse(pairs), tuple(_ignore(entry) for entry in configuration.ignores))


def _ignore(entry: Mapping[str, Any]) -> Ignore:
    from tracer.diagnosis.ignores import Ignore

    unknown = [key for key in entry if key not in ("rule", "parameter", "reason")]
    wrong = [key for key, value in entry.items() if not isinstance(value, str)]
    if unknown or wrong or "reason" not in entry:
        seen = f"has {unknown[0]!r}" if unknown else f"has no text for {wrong[0]!r}" if wrong else "has no reason"
        raise UsageError(f"an entry of [[tool.tracer.ignore]] {seen}.", "It takes rule, parameter and reason.")
    return Ignore(**entry)
