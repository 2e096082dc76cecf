"""Several runs beside each other in a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from tracer.diagnosis.engine import diagnose
from tracer.reports.side_by_side import conclusion, print_side_by_side
from tracer.traces import Trace

Build = Callable[..., Trace]


def printed(width: int, **traces: Trace) -> str:
    file = io.StringIO()
    reports = {name: diagnose(trace) for name, trace in traces.items()}
    print_side_by_side(reports, Console(file=file, width=width, force_terminal=False, highlight=False))
    return file.getvalue()


def test_what_differs_comes_first_and_is_marked(healthy: Trace, broken: Trace) -> None:
    differs, _, equal = printed(140, good=healthy, bad=broken).partition("What is equal in all 2")
    assert "encoder.layers.0.weight" in differs and "encoder.layers.5.weight" not in differs
    assert ["≠", "verdict", "updated", "cut"] in [line.split() for line in differs.splitlines()]
    assert "≠" not in equal


@pytest.mark.parametrize("width", [70, 80])
def test_a_narrow_terminal_gets_letters_for_titles_and_no_broken_word(
    width: int, healthy: Trace, broken: Trace
) -> None:
    text = printed(width, a_rather_long_title_of_a_run=healthy, another_long_title_of_a_run=broken)
    assert text.startswith("A: a_rather_long_title_of_a_run\nB: another_long_title_of_a_run\n")
    table = text.partition("Differ:")[0]
    assert max(len(line) for line in table.splitlines()) <= width
    assert "encoder.layers.5.weight" in table


def test_equal_runs_differ_in_nothing(healthy: Trace) -> None:
    report = diagnose(healthy)
    assert conclusion({"a": report, "b": report}) == ["Differ: none. Everything else is equal in all 2."]
    assert "What differs" not in printed(100, a=healthy, b=healthy)
