"""``tracer rules``: the rules, or the documentation of one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import click

from tracer.commands.names import near_names
from tracer.errors import UsageError

if TYPE_CHECKING:
    from tracer.diagnosis.rules import Rule


@click.command("rules")
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """List the rules, or print the documentation of one."""
    from tracer.diagnosis.rules import all_rules

    rules = all_rules()
    if code is None:
        width = max((len(rule.name) for rule in rules), default=0)
        for rule in rules:
            click.echo(
                f"{rule.code}  {rule.name:<{width}}  {inspect.cleandoc(rule.text).partition(chr(10))[0]}"
            )
        return 0
    rule = rule_named(rules, code)
    click.echo(f"{rule.code} {rule.name}\n\n{inspect.cleandoc(rule.text)}")
    return 0


def rule_named(rules: tuple[Rule, ...], code: str) -> Rule:
    """Return the rule with a code such as ``TR202`` or a name such as ``cut``.

    Raises:
        UsageError: when there is none, with the nearest names.
    """
    for rule in rules:
        if code.upper() == rule.code or code.lower() == rule.name:
            return rule
    known = [name for rule in rules for name in (rule.code, rule.name)]
    hint = near_names(code, known, "'tracer rules' lists them.")
    raise UsageError(f"there is no rule {code!r}.", hint, slug="unknown-rule")
