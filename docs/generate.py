"""Writes the pages that come from the code: ``python docs/generate.py [--check]``.

With ``--check`` nothing is written; the status is 1 when a page differs from the code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

HERE = Path(__file__).resolve().parent


def render_scenarios() -> str:
    """Return ``scenarios.md``: every scenario's docstring and the verdicts that it ends with."""
    from tracer.scenarios import registry

    parts = [
        "# Scenarios",
        "",
        "Each is a small training run that goes right or wrong in one named way: `tracer NAME` runs it.",
        "",
    ]
    chapter = ""
    for name in registry.names():
        if registry.chapter(name) != chapter:
            chapter = registry.chapter(name)
            parts += [f"## {chapter}", "", registry.INTRODUCTIONS[chapter].strip(), ""]
        module = registry.load(name)
        parts += [f"### {name}", "", registry.text(name), ""]
        expected = getattr(module, "EXPECTED", {})
        if expected:
            parts += ["| parameter | verdict |", "|---|---|"]
            parts += [f"| `{parameter}` | `{verdict}` |" for parameter, verdict in expected.items()]
            parts.append("")
    return "\n".join(parts)


def render_rules() -> str:
    """Return ``rules.md``."""
    from tracer.diagnosis.catalogue import render_guide

    return render_guide()


def render_graph() -> str:
    """Return ``graph.md``: what stands above its tables is written by hand in ``graph.head.md``."""
    from tracer.graphs.attributes import render_tables

    return (HERE / "graph.head.md").read_text(encoding="utf-8") + "\n" + render_tables()


def render_command_line() -> str:
    """Return ``command-line.md``: what ``--help`` prints, of each command."""
    from tracer.commands import COMMANDS, command_named
    from tracer.reports.registry import FORMATS
    from tracer.trace import cli

    parts = [(HERE / "command-line.head.md").read_text(encoding="utf-8")]
    parts += ["", "## Formats", "", "What `--format` takes:", "", "| format | file | what |", "|---|---|---|"]
    parts += [f"| `{name}` | `{known.file}` | {known.what} |" for name, known in FORMATS.items()]
    parts += ["", "## tracer", "", "```text", _help(cli, "tracer"), "```"]
    for name in COMMANDS:
        parts += ["", f"## tracer {name}", "", "```text", _help(command_named(name), f"tracer {name}"), "```"]
    return "\n".join(parts)


def _help(command: click.Command, name: str) -> str:
    """Return what ``--help`` prints, at a width that fits the page."""
    names = ["-h", "--help"]
    shown = click.Context(command, info_name=name, terminal_width=88, max_content_width=88, help_option_names=names)
    return "\n".join(line.rstrip() for line in command.get_help(shown).splitlines())


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": render_rules,
    "scenarios.md": render_scenarios,
    "graph.md": render_graph,
    "command-line.md": render_command_line,
}


def main(args: list[str]) -> int:
    """Write the pages, or compare them; return the exit status."""
    status = 0
    for name, render in PAGES.items():
        page, text = HERE / name, render().rstrip("\n") + "\n"
        if "--check" not in args:
            page.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")
        elif not page.is_file() or page.read_text(encoding="utf-8") != text:
            print(f"docs/{name} differs from the code: run make docs", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
