"""The function mode rests in forwards that do the same, and is on again when they do something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from tracer.events import CutFound, GraphSeen, Noted
from tracer.recording.session import Session
from tracer.recording.torch_compat import current_function_mode
from tracer.traces import Trace


class Net(nn.Module):
    """Notes in each forward whether a function mode is on; does something else when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 2), nn.Linear(2, 1)
        self.watched: list[bool] = []
        self.other: Callable[[torch.Tensor], torch.Tensor] | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        self.watched.append(current_function_mode() is not None)
        if self.other is not None:
            x = self.other(x)
        return self.last(x)


def train(net: Net, steps: int, before: Callable[[int], None] = lambda step: None) -> Trace:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with Session(net, optimizer) as session:
        for step in range(1, steps + 1):
            before(step)
            optimizer.zero_grad()
            net(torch.ones(1, 2)).sum().backward()
            optimizer.step()
        assert not session.mode.quiet
    assert current_function_mode() is None
    return session.trace


def test_the_mode_rests_after_eight_steps_that_were_the_same_but_for_every_eighth() -> None:
    net = Net()
    train(net, 26)
    assert [number for number, on in enumerate(net.watched, 1) if on] == [*range(1, 10), 17, 25]


def test_each_forward_is_watched_in_which_a_parameter_is_written() -> None:
    net = Net()

    def clamp(x: torch.Tensor) -> torch.Tensor:
        net.last.weight.data.clamp_(-1, 1)
        return x

    net.other = clamp
    train(net, 20)
    assert all(net.watched)


def test_a_cut_that_begins_while_the_mode_rests_is_found_one_step_later_with_its_line() -> None:
    net = Net()

    def change(step: int) -> None:
        if step == 12:
            net.other = torch.Tensor.detach

    trace = train(net, 14, change)
    assert net.watched[11:] == [False, True, True]
    cuts = [event for event in trace.events if isinstance(event, CutFound)]
    assert {cut.kind for cut in cuts} == {"detach"}


def test_of_a_graph_that_was_new_while_the_mode_rested_the_lines_are_missing_once_and_that_is_said() -> None:
    net = Net()

    def change(step: int) -> None:
        if step >= 12:
            net.other = torch.tanh

    trace = train(net, 14, change)
    graphs = [event for event in trace.events if isinstance(event, GraphSeen)]
    assert [any(node.op == "tanh" for node in graph.nodes) for graph in graphs] == [False, False, True]
    notes = [event.text for event in trace.events if isinstance(event, Noted)]
    assert sum("step 12: a graph that was not seen before" in note for note in notes) == 1


def test_a_forward_that_raises_while_the_mode_rests_leaves_it_on() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def fail(x: torch.Tensor) -> torch.Tensor:
        raise ValueError("no")

    with Session(net, optimizer) as session:
        for _ in range(12):
            net(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        net.other = fail
        with pytest.raises(ValueError, match="no"):
            net(torch.ones(1, 2))
        assert net.watched[-1] is False
        assert current_function_mode() is session.mode


def test_calls_of_modules_are_counted_while_the_mode_rests() -> None:
    net = Net()
    trace = train(net, 20)
    calls = {event.path: event.calls for event in trace.events if type(event).__name__ == "ModuleSeen"}
    assert calls == {"": 20, "first": 20, "last": 20}
