"""Recording and judging grow with the number of parameters, not with its square.

Counted are the lines of Python that run, not seconds: four times the parameters take about four times the lines.
"""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import pytest
import torch

import tracer
from tracer.api import Recording
from tracer.diagnosis.findings import GradReport, ParameterReport, Report, ValueReport
from tracer.traces import Header

Work = Callable[[int], Recording]


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of Python run while ``work`` does; a round of a comprehension is one too."""
    count = 0

    def see(frame: FrameType, kind: str, _: Any) -> Any:
        nonlocal count
        count += kind == "line"
        return see

    before = sys.gettrace()
    sys.settrace(see)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


class Wide(torch.nn.Module):
    """Very many layers of one weight each, side by side, and one scale."""

    def __init__(self, size: int, keep: Callable[[list[torch.nn.Module]], Any] = torch.nn.ModuleList) -> None:
        super().__init__()
        self.layers = keep([torch.nn.Linear(1, 1, bias=False) for _ in range(size)])
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([layer(x) for layer in self.layers]).sum() * self.scale


def train(net: Wide, parameters: Any, factor: float = 1.0) -> None:
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (net(torch.ones(1, 1)) * factor).sum().backward()
        optimizer.step()


def healthy(size: int) -> Recording:
    net = Wide(size)
    with tracer.record(net) as recording:
        train(net, net.parameters())
    return recording


def without_optimizer(size: int) -> Recording:
    net = Wide(size)
    with tracer.record(net) as recording:
        net(torch.ones(1, 1)).sum().backward()
    return recording


def in_a_plain_list(size: int) -> Recording:
    net = Wide(size, keep=list)
    with tracer.record(net) as recording:
        train(net, net.parameters())
    return recording


def frozen_but_handed_over(size: int) -> Recording:
    net = Wide(size)
    net.layers.requires_grad_(False)
    with tracer.record(net) as recording:
        train(net, net.parameters())
    return recording


def always_zero(size: int) -> Recording:
    net = Wide(size)
    with tracer.record(net) as recording:
        train(net, net.parameters(), factor=0.0)
    return recording


def copied_for_the_optimizer(size: int) -> Recording:
    net = Wide(size)
    with tracer.record(net) as recording:
        train(net, copy.deepcopy(net).parameters())
    return recording


def replaced(size: int) -> Recording:
    net = Wide(size)
    with tracer.record(net) as recording:
        train(net, net.parameters())
        old = list(net.parameters())
        for layer in net.layers:
            layer.weight = torch.nn.Parameter(torch.ones(1, 1))
        train(net, old)
    return recording


PROGRAMS: dict[Work, str] = {
    healthy: "updated",
    without_optimizer: "no_step",
    in_a_plain_list: "not_registered",
    frozen_but_handed_over: "frozen",
    always_zero: "zero_grad",
    copied_for_the_optimizer: "stale_in_optimizer",
    replaced: "stale_in_optimizer",
}
SMALL, LARGE = 150, 600


@pytest.mark.parametrize(("program", "verdict"), PROGRAMS.items(), ids=lambda value: getattr(value, "__name__", None))
def test_four_times_the_parameters_take_about_four_times_the_work(program: Work, verdict: str) -> None:
    recordings: list[Recording] = []

    def run(size: int) -> None:
        recordings.append(program(size))

    program(2)  # what is imported or worked out once
    recorded = [lines_run(partial(run, size)) for size in (SMALL, LARGE)]
    judged = [lines_run(recording.report) for recording in recordings]
    report = recordings[1].report()
    assert Counter(row.verdict for row in report)[verdict] >= LARGE
    assert recorded[1] < 4.4 * recorded[0], recorded
    assert judged[1] < 4.4 * judged[0], judged


def report_of(size: int) -> Report:
    rows = tuple(
        ParameterReport(
            key, f"w{key}", "net", (f"alias{key}",), (1,), "float32", "cpu", True, "updated", "ok", "certain", "", "",
            (), (), GradReport(), ValueReport(), (),
        )
        for key in range(size)
    )  # fmt: skip
    return Report(Header(), rows)


def test_asking_a_report_for_every_name_and_row_looks_through_it_once() -> None:
    def ask(report: Report) -> None:
        for row in report.parameters:
            assert report.name_of(row.leaf) == row.name
            assert report[row.name] is report[row.aliases[0]] is report[f"net.{row.name}"] is row

    small, large = (lines_run(partial(ask, report_of(size))) for size in (SMALL, LARGE))
    assert large < 4.4 * small


def test_names_handed_out_by_a_report_are_the_callers_own() -> None:
    report = report_of(2)
    report.names().clear()
    assert report.names() == {0: "w0", 1: "w1"}
    assert report.name_of(5) == "leaf 5"
