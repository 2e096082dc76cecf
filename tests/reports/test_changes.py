"""What changed from one report to another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Finding, Report
from tracer.reports.changes import compare, lines, summary
from tracer.traces import Trace

Build = Callable[..., Trace]


def reports(*traces: Trace) -> list[Report]:
    return [diagnose(trace) for trace in traces]


def test_a_new_cut_is_worse_and_its_repair_better(healthy: Trace, broken: Trace) -> None:
    good, bad = reports(healthy, broken)
    assert [c.name for c in compare(good, bad).of("worse")] == ["encoder.layers.0.weight", "encoder.layers.1.weight"]
    assert len(compare(bad, good).of("better")) == 2
    assert summary(compare(good, bad)) == "Parameters: 2 worse; 4 have the same verdict in both."


def test_equal_reports_say_so_in_one_line(healthy: Trace) -> None:
    (good,) = reports(healthy)
    assert summary(compare(good, good)) == "No verdict changed: 6 parameters have the same in both."
    assert list(lines(compare(good, good))) == ["same verdict: 6 parameter(s)"]


def test_parameters_on_one_side_only_are_listed(build: Build) -> None:
    small, large = reports(build(2), build(3))
    assert [name for name, _ in compare(small, large).only_after] == ["encoder.layers.2.weight"]
    assert [name for name, _ in compare(large, small).only_before] == ["encoder.layers.2.weight"]
    assert "only in B (1):" in lines(compare(small, large))


def test_the_lines_say_how_the_gradient_changed(healthy: Trace, broken: Trace) -> None:
    good, bad = reports(healthy, broken)
    line = next(line for line in lines(compare(good, bad)) if "layers.1" in line)
    assert line.startswith("  encoder.layers.1.weight: updated -> cut. ")
    assert line.endswith("(gradient norm 1 -> -)")


def test_a_finding_that_is_no_verdict_is_told_when_it_is_new(healthy: Trace) -> None:
    (good,) = reports(healthy)
    nan = Finding("TR308", "nan_loss", "warning", "certain", (0,), "the loss was NaN", "look")
    later = replace(good, findings=(nan,))
    assert "finding only in B: TR308 nan_loss: the loss was NaN" in lines(compare(good, later))
    assert "finding only in A: TR308 nan_loss: the loss was NaN" in lines(compare(later, good))
