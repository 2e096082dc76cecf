"""Notes on source lines in a GitHub job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Finding, Where
from tracer.reports import github
from tracer.traces import Trace

Build = Callable[..., Trace]


def noted(trace: Trace, *findings: Finding) -> list[str]:
    report = diagnose(trace)
    return github.render(trace, replace(report, findings=findings) if findings else report).splitlines()


def finding(message: str = "m", severity: str = "error", where: tuple[Where, ...] = ()) -> Finding:
    return Finding("TR202", "cut", severity, "certain", (0,), message, "", where)


def test_a_finding_is_one_command_on_its_line(broken: Trace) -> None:
    (line,) = noted(broken)
    assert line.startswith("::error file=train.py,line=5,title=TR202 cut::encoder.layers.0.")
    assert ". Fix: " in line


def test_a_healthy_run_says_nothing(healthy: Trace) -> None:
    assert noted(healthy) == []


def test_severities_have_their_commands(healthy: Trace) -> None:
    lines = noted(healthy, finding(), finding(severity="warning"), finding(severity="info"))
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice"]


def test_no_text_can_start_a_command_of_its_own(hostile: Trace) -> None:
    (line,) = noted(hostile, finding("50% of it\n::error::b\r", where=(Where("a,b:c.py", 3, "f"),)))
    assert line.startswith("::error file=a%2Cb%3Ac.py,line=3,title=TR202 cut::")
    assert "\\x0a::error::b\\x0d" in line  # visible text in the same line
    assert "50%25 of it" in line


def test_a_line_outside_of_the_project_is_not_annotated(healthy: Trace) -> None:
    outside, inside = Where("/usr/lib/python3/torch/nn.py", 1, "f"), Where("net.py", 9, "g")
    lines = noted(healthy, finding(where=(outside, inside)), finding(where=(outside,)))
    assert lines[0].startswith("::error file=net.py,line=9,")
    assert lines[1].startswith("::error title=")


def test_at_most_ten_of_each_severity_since_a_job_shows_no_more(healthy: Trace) -> None:
    lines = noted(healthy, *[finding()] * 12, *[finding(severity="warning")] * 3)
    assert [sum(line.startswith(start) for line in lines) for start in ("::error", "::warning")] == [10, 3]
