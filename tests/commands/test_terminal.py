"""Colour and width as a user sees them: in a terminal of 80 columns, in a pipe, with NO_COLOR and --color."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tracer.events import GradAccumulated, Group, GroupsSeen, LeafSeen, ModelSeen, OptimizerSeen, OptimizerStepped
from tracer.store.jsonl import save
from tracer.traces import Header, Trace

Shell = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(__file__).resolve().parents[2]
#: Colours, not bold or dim.
COLOUR = re.compile(r"\x1b\[(?:\d;)*3[0-7]m")
ARGS = ("report", "bad", "--format", "text")
NAME = "transformer.decoder.block.{}.attention.with.a.long.path.weight"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A trace in which two parameters get gradients that no optimizer uses."""
    events = (
        ModelSeen(0, "net", "Net"),
        *(LeafSeen(i, 0, NAME.format(i), (), (128, 128), "float32", "cpu", True, "parameter") for i in range(3)),
        OptimizerSeen(0, "optimizer", "SGD"),
        GroupsSeen(1, 0, (Group((0,), 0.1),)),
        *(GradAccumulated(1, 0, i) for i in range(3)),
        OptimizerStepped(1, 0),
    )
    save(Trace(Header(torch="2.13.0", steps=1, backwards=1), events), tmp_path / "bad" / "trace.jsonl.gz")
    return tmp_path


def in_terminal(folder: Path, *args: str, columns: int = 80, **env: str) -> str:
    """Run tracer in a pseudo-terminal, and return what it shows."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    import fcntl
    import struct
    import termios

    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    running = subprocess.Popen(
        [sys.executable, "-m", "tracer.trace", *args],
        cwd=folder,
        stdin=child,
        stdout=child,
        stderr=child,
        env={**clean, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **env},
    )
    os.close(child)
    shown = b""
    while True:
        try:
            piece = os.read(parent, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(parent)
    assert running.wait(60) == 0
    return shown.decode()


def test_a_terminal_of_80_columns_gets_colour_and_no_longer_line(saved: Path) -> None:
    shown = in_terminal(saved, *ARGS)
    assert COLOUR.search(shown)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split()[0] for line in lines if "✗ not_in_optimizer" in line and "…" in line]
    assert rows == [f"transformer.decoder.block.{i}…path.weight" for i in (1, 2)]


def test_no_color_and_color_never_take_the_colour_away(saved: Path) -> None:
    assert not COLOUR.search(in_terminal(saved, *ARGS, NO_COLOR="1"))
    assert not COLOUR.search(in_terminal(saved, *ARGS, "--color", "never"))


def test_a_pipe_is_plain_unless_colour_is_asked_for(saved: Path, tracer: Shell) -> None:
    assert "\x1b" not in tracer(*ARGS).stdout
    assert COLOUR.search(tracer(*ARGS, "--color", "always").stdout)
    assert COLOUR.search(tracer(*ARGS, "--color", "always", NO_COLOR="1").stdout)
