"""What there is: scenarios, commands, rules."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def test_no_arguments_list_scenarios_and_commands(tracer: Shell) -> None:
    result = tracer()
    assert result.returncode == 0, result.stderr
    assert result.stdout == tracer("list").stdout
    words = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ")]
    assert {"requires_grad", "trainable_unregistered", "frozen_registered", "trainable_registered"} <= set(words)
    assert words[-8:] == ["list", "all", "run", "report", "explain", "diff", "merge", "rules"]


def test_rules_are_listed_and_told_by_code_or_name(tracer: Shell) -> None:
    rows = tracer("rules").stdout.splitlines()
    assert any(row.startswith("TR202  cut ") for row in rows)
    assert [row.split()[0] for row in rows] == sorted(row.split()[0] for row in rows)
    page = tracer("rules", "tr202").stdout
    assert page.startswith("TR202 cut (error)\n")
    assert "Fix:" in page
    assert tracer("rules", "cut").stdout == page


def test_help_names_every_command(tracer: Shell) -> None:
    result = tracer("--help")
    assert result.returncode == 0
    for name in ("run", "report", "explain", "diff", "merge", "rules"):
        assert f"\n  {name} " in result.stdout
    assert "..." not in result.stdout.partition("Commands:")[2]
