"""``make`` on a machine where something is missing: one clear line, and nothing half made."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(tmp_path: Path, python: str, *targets: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", "-C", str(ROOT), f"VENV={tmp_path / 'venv'}", f"PYTHON={python}"]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    return subprocess.run([*command, *targets], capture_output=True, text=True, timeout=60, env=env)


def python_that(tmp_path: Path, fails_on: str) -> str:
    """Return a stand-in for Python that fails where ``fails_on`` stands in its arguments."""
    stand_in = tmp_path / "python"
    stand_in.write_text(f'#!/bin/sh\ncase "$*" in *{fails_on}*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    stand_in.chmod(0o755)
    return str(stand_in)


@pytest.mark.parametrize(
    ("fails_on", "line"),
    [
        ("ensurepip", "cannot make a virtual environment: install python3-venv (Debian: apt install python3-venv)"),
        ("version_info", "is too old: Python 3.10 or newer is needed"),
    ],
)
def test_a_python_that_will_not_do_is_told_in_one_line(tmp_path: Path, fails_on: str, line: str) -> None:
    result = make(tmp_path, python_that(tmp_path, fails_on), "demo")
    assert result.returncode == 2
    assert result.stdout == ""
    assert line in result.stderr.splitlines()[0]
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_is_told_in_one_line(tmp_path: Path) -> None:
    result = make(tmp_path, "python-of-nowhere", "demo")
    assert result.returncode == 2
    assert result.stderr.splitlines()[0].startswith("python-of-nowhere is missing: install it")


def test_help_names_every_target(tmp_path: Path) -> None:
    shown = make(tmp_path, sys.executable, "help").stdout
    text = (ROOT / "Makefile").read_text()
    named = next(line for line in text.splitlines() if line.startswith(".PHONY:")).split()[2:]
    assert all(f"make {target} " in shown for target in named)
