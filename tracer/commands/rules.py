"""``tracer rules``: the rules, or the documentation of one."""

from __future__ import annotations

import click

from tracer.commands.names import near_names
from tracer.errors import UsageError


@click.command("rules")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """List the rules, or print the documentation of one."""
    from tracer.diagnosis.catalogue import list_rules, rule_text

    rows = list_rules()
    if code is None:
        width = max((len(name) for _, name, _, _ in rows), default=0)
        for number, name, severity, line in rows:
            click.echo(f"{number}  {name:<{width}}  {severity:<7}  {line}")
        return 0
    known = [name for row in rows for name in row[:2]]
    if code.lower() not in map(str.lower, known):
        hint = near_names(code, known, "'tracer rules' lists them.")
        raise UsageError(f"there is no rule {code!r}.", hint, slug="unknown-rule")
    click.echo(rule_text(code), nl=False)
    return 0
