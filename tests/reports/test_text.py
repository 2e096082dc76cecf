"""The answer in a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports.text import print_report, render
from tracer.traces import Trace

rich_console = pytest.importorskip("rich.console")
Build = Callable[..., Trace]


def printed(trace: Trace, *, width: int = 80, terminal: bool = False, encoding: str = "utf-8", **more: object) -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    console = rich_console.Console(file=file, width=width, force_terminal=terminal, highlight=False, **more)
    print_report(diagnose(trace), console)
    file.seek(0)
    return file.read()


def test_a_healthy_run_says_so_in_its_first_line(healthy: Trace) -> None:
    assert printed(healthy).splitlines()[0] == "✓ All is well: 6 of 6 parameters updated."


def test_a_cut_is_told_with_its_line_and_fix(broken: Trace) -> None:
    lines = printed(broken).splitlines()
    assert lines[0] == "✗ 2 of 6 parameters do not train as they should: 2 cut."
    assert lines[2].startswith("✗ TR202 cut  encoder.layers.0.")
    assert "  train.py:5 in forward  (the path is cut here)" in lines
    assert "  ❯    5 │ x = y.detach()" in lines


@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_is_wider_than_the_terminal(build: Build, width: int) -> None:
    trace = build(cut=2, name="transformer.decoder.block.with.a.very.long.path.inside")
    text = re.sub(r"\x1b\[[0-9;]*m", "", printed(trace, width=width, terminal=True))
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_long_name_is_elided_at_dots_and_never_broken(build: Build) -> None:
    trace = build(name="transformer.decoder.block.with.a.very.long.path.inside")
    rows = [line for line in printed(trace, width=80).splitlines() if "updated " in line]
    assert len(rows) == 6
    assert [row.split()[0] for row in rows] == [f"transformer.decoder.block.with.a…inside.{i}.weight" for i in range(6)]


def test_more_than_forty_parameters_are_put_together_by_module_and_verdict(build: Build) -> None:
    text = printed(build(60, cut=20))
    rows = [line.split() for line in text.splitlines() if "encoder.layers.*" in line and "TR" not in line]
    assert [row[:2] for row in rows] == [["encoder.layers.*", "(20)"], ["encoder.layers.*", "(40)"]]
    assert "✗ cut" in text and "✓ updated" in text


def test_the_file_lists_every_parameter_and_has_no_escape(build: Build) -> None:
    trace = build(60)
    text = render(trace, diagnose(trace))
    assert sum("updated" in line and "encoder.layers." in line for line in text.splitlines()) == 60
    assert "\x1b" not in text


def test_a_pipe_gets_no_colour_and_a_terminal_does(broken: Trace) -> None:
    assert "\x1b[" not in printed(broken)
    assert "\x1b[1;31m" in printed(broken, terminal=True, color_system="standard")


def test_an_ascii_stream_gets_ascii(broken: Trace) -> None:
    text = printed(broken, encoding="ascii")
    assert text.isascii()
    assert text.startswith("x 2 of 6")
    assert "| x cut" in text
