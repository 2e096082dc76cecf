"""All formats at once: every one renders every trace, and none lets a name of the program become markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.events import GradMeasured
from tracer.reports.registry import FORMATS, render
from tracer.traces import Trace


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("trace", ["healthy", "broken"])
def test_every_format_renders(name: str, trace: str, request: pytest.FixtureRequest) -> None:
    found: Trace = request.getfixturevalue(trace)
    content = render(name, found, diagnose(found))
    assert len(content) > 100 or (name, trace) == ("github", "healthy")


@pytest.mark.parametrize("name", ["html", "svg", "graphml"])
def test_markup_has_no_tag_from_a_name(name: str, hostile: Trace) -> None:
    content = str(render(name, hostile, diagnose(hostile)))
    assert "<script>alert" not in content
    assert "&lt;script" in content


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"png"}))
def test_every_format_still_shows_the_name(name: str, hostile: Trace) -> None:
    content = str(render(name, hostile, diagnose(hostile)))
    assert "alert(1)" in content or "alert\\(1\\)" in content


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"png"}))
def test_an_empty_trace_renders_too(name: str) -> None:
    trace = Trace()
    assert isinstance(render(name, trace, diagnose(trace)), str)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_numbers_that_json_lacks_stop_no_format(name: str, healthy: Trace) -> None:
    events = (replace(e, values=[1 + 2j, float("nan")]) if isinstance(e, GradMeasured) else e for e in healthy.events)
    trace = Trace(healthy.header, tuple(events))
    content = render(name, trace, diagnose(trace))
    if name == "json":
        assert json.loads(content)["parameters"][0]["grad"]["values"] == ["1+2j", "nan"]
