"""What a notebook shows of a report: a bundle of HTML, SVG and text that stands on its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tracer.api import diagnose
from tracer.reports.notebook import ShownReport, mimebundle
from tracer.traces import Trace

Build = Callable[..., Trace]


def test_a_report_of_the_python_interface_shows_itself(broken: Trace) -> None:
    report = diagnose(broken)
    bundle = report._repr_mimebundle_()  # type: ignore[attr-defined]
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert "<svg" in bundle["text/html"]
    assert "encoder.layers.0.weight" in bundle["text/html"]


def test_a_shown_report_is_still_a_plain_value(broken: Trace) -> None:
    report = diagnose(broken)
    assert report == diagnose(broken)
    assert "Trace(" not in repr(report)
    assert isinstance(replace(report, notes=("a",)), ShownReport)


def test_a_cell_has_no_script_no_id_and_loads_nothing(broken: Trace) -> None:
    cell = mimebundle(broken, diagnose(broken))["text/html"]
    assert "<script" not in cell
    assert not re.search(r'<[^>]* id="', cell)
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", cell)


def test_hostile_names_are_text_in_every_form(hostile: Trace) -> None:
    bundle = mimebundle(hostile, diagnose(hostile))
    assert "<script>" not in bundle["text/html"]
    assert "<script>" not in bundle["image/svg+xml"]
    assert "&lt;script&gt;" in bundle["text/html"]


def test_a_large_model_shows_its_worst_rows_and_says_what_is_left_out(build: Build) -> None:
    trace = build(130, cut=2)
    cell = mimebundle(trace, diagnose(trace))["text/html"]
    assert cell.count("<tr>") == 101
    assert "and 30 more parameters" in cell
    assert cell.index("encoder.layers.0.weight</th>") < cell.index("encoder.layers.2.weight</th>")


def test_colours_follow_the_notebook_around_the_cell(broken: Trace) -> None:
    cell = mimebundle(broken, diagnose(broken))["text/html"]
    assert '[data-jp-theme-light="false"]' in cell and ".vscode-dark" in cell
    assert ":root" not in cell
