"""The way of a gradient from the loss to a parameter."""

from __future__ import annotations

from collections.abc import Callable

from tracer.diagnosis.engine import diagnose
from tracer.reports.route import route_lines
from tracer.traces import Trace

Build = Callable[..., Trace]


def route(trace: Trace, name: str) -> list[str]:
    report = diagnose(trace)
    return list(route_lines(trace, report, report[name]))


def test_the_way_goes_from_the_loss_to_the_parameter_with_lines_and_norms(build: Build) -> None:
    assert route(build(3), "encoder.layers.1.weight") == [
        "",
        "path of the gradient, from the loss = 1.5 (backward at train.py:9):",
        "    Mm in encoder.layers.2  gradient 3            train.py:3",
        "    Mm in encoder.layers.1  gradient 2            train.py:3",
        "  arrives at encoder.layers.1.weight: gradient 1",
    ]


def test_the_way_stops_where_it_was_cut(build: Build) -> None:
    lines = route(build(3, cut=1), "encoder.layers.0.weight")
    assert lines[-2:] == [
        "    Mm in encoder.layers.1  gradient 1            train.py:3",
        "  STOPS: detach at train.py:5; encoder.layers.0.weight lies behind it",
    ]


def test_a_long_way_shows_its_two_ends(build: Build) -> None:
    lines = route(build(40), "encoder.layers.0.weight")
    assert "    ... 16 more operations ..." in lines
    assert len(lines) == 2 + 12 + 1 + 12 + 1


def test_a_parameter_that_no_graph_holds_has_no_way(build: Build) -> None:
    trace = build(3, cut=1)
    from tracer.events import CutFound

    lost = Trace(trace.header, tuple(event for event in trace.events if not isinstance(event, CutFound)))
    assert route(lost, "encoder.layers.0.weight") == [
        "",
        "path of the gradient: none; no recorded graph leads to encoder.layers.0.weight",
    ]
