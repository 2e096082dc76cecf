"""``tracer list``: the scenarios with one line each, and the commands."""

from __future__ import annotations

import click


@click.command("list")
def command() -> int:
    """List the scenarios and the commands."""
    from tracer.commands import COMMANDS, command_named
    from tracer.scenarios import registry

    click.echo("Scenarios (tracer NAME):")
    names = registry.names()
    for chapter in dict.fromkeys(map(registry.chapter, names)):
        click.echo(f"\n{chapter}")
        inside = [name for name in names if registry.chapter(name) == chapter]
        rows = [(name, registry.title(name).replace("``", "")) for name in inside]
        _table(rows, max(map(len, names)))
    click.echo("\nCommands (tracer COMMAND --help):\n")
    commands = [(name, command_named(name).get_short_help_str(100)) for name in COMMANDS]
    _table(commands, max(map(len, COMMANDS)))
    return 0


def _table(rows: list[tuple[str, str]], width: int) -> None:
    for name, line in rows:
        click.echo(f"  {name:<{width}}  {line}")
