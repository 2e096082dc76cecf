"""Which nodes are watched when a graph comes again, and whom a bad gradient is blamed on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import tracer
from tracer.events import BackwardEnded
from tracer.graphs.merged import merge_graphs
from tracer.traces import Trace


class Spoilt(torch.autograd.Function):
    """Hands on its input; its gradient is NaN in the steps that are told."""

    bad = False

    @staticmethod
    def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, grad: torch.Tensor) -> torch.Tensor:
        return grad * (float("nan") if Spoilt.bad else 1.0)


def trace_of(steps: int, width: int, bad: int | None = None) -> Trace:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))
    x = torch.randn(200, width)
    with tracer.record(net) as recording:
        for step in range(1, steps + 1):
            Spoilt.bad = step == bad
            Spoilt.apply(net[1](net[0](x))).mean().backward()  # type: ignore[no-untyped-call]
            net.zero_grad()
    return recording.trace


def measured(trace: Trace) -> list[int]:
    ends = [event for event in trace.events if isinstance(event, BackwardEnded)]
    return [len(end.norms) - end.norms.count(None) for end in ends]


def test_a_graph_of_large_gradients_is_watched_whole_at_its_first_4th_and_16th_backward() -> None:
    found = measured(trace_of(17, 100))
    nodes = found[0]
    assert [number for number, count in enumerate(found, 1) if count == nodes] == [1, 4, 16]
    assert max(found[1:3]) < nodes


def test_a_graph_of_small_gradients_is_watched_whole_every_time() -> None:
    found = measured(trace_of(5, 4))
    assert found == [found[0]] * 5


@pytest.mark.parametrize("step", [1, 4])
def test_a_nan_in_a_backward_watched_whole_is_blamed_on_the_operation_that_made_it(step: int) -> None:
    trace = trace_of(step, 100, bad=step)
    assert {name for name, kind in blamed(trace) if kind == "nan"} == {"SpoiltBackward"}


def test_a_nan_in_a_backward_watched_in_part_is_blamed_on_no_operation_that_was_not_measured() -> None:
    assert blamed(trace_of(3, 100, bad=3)) == set()


def test_the_picture_shows_the_norms_of_the_last_backward_that_was_watched_whole() -> None:
    assert None not in merge_graphs(trace_of(6, 100)).norms


def blamed(trace: Trace) -> set[tuple[str, str]]:
    merged = merge_graphs(trace)
    return {(merged.nodes[node].name, kind) for node, kind in merged.culprits.items()}
