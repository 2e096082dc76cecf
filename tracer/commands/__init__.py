"""The command line's subcommands: one file each, whose ``command`` is a click command. Loaded when named."""

from __future__ import annotations

from importlib import import_module

import click

#: name -> module in this folder; the order of ``--help``
COMMANDS = {
    "list": "listing",
    "all": "gallery",
    "run": "run",
    "report": "report",
    "explain": "explain",
    "diff": "diff",
    "merge": "merge",
    "rules": "rules",
}


def command_named(name: str) -> click.Command:
    """Return one of ``COMMANDS``."""
    found: click.Command = import_module(f"tracer.commands.{COMMANDS[name]}").command
    return found
