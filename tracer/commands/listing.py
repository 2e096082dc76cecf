"""``tracer list``: the scenarios with one line each, and the commands."""

from __future__ import annotations

import click


@click.command("list")
def command() -> int:
    """List the scenarios and the commands."""
    from tracer.commands import COMMANDS, command_named

    click.echo("Scenarios (tracer NAME):")
    _table(_scenarios())
    click.echo("\nCommands (tracer COMMAND --help):")
    _table([(name, command_named(name).get_short_help_str(100)) for name in COMMANDS])
    return 0


def _scenarios() -> list[tuple[str, str]]:
    from tracer.scenarios import registry

    return [(name, first_line(registry.load(name).__doc__)) for name in registry.names()]


def first_line(doc: str | None) -> str:
    """Return the first line of a docstring."""
    return (doc or "").strip().partition("\n")[0]


def _table(rows: list[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, line in rows:
        click.echo(f"  {name:<{width}}  {line}")
