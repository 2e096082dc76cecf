"""Work in other threads: said where it is not seen, and never in the way."""

from __future__ import annotations

import threading

import torch
from torch import nn

import tracer
from tracer.events import GradAccumulated


def in_a_thread(run: object) -> None:
    thread = threading.Thread(target=run)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def test_what_another_thread_trains_is_said_to_be_missing() -> None:
    net = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def train() -> None:
        net(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    with tracer.record(net, optimizer) as recording:
        in_a_thread(train)
        in_a_thread(train)
    assert recording.trace.notes == (
        "another thread than the one that records called modules: what they computed has no module and no line",
        "another thread than the one that records ran backward: its graph and cuts are missing",
        "another thread than the one that records stepped an optimizer: whether values changed by it is not known",
    )
    assert len(list(recording.trace.of(GradAccumulated))) == 4


def test_modules_called_from_several_threads_at_once_are_left_in_peace() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    with torch.no_grad():
        expected = net(torch.ones(1, 2))
    outputs: list[torch.Tensor] = []
    start = threading.Barrier(5)

    def call() -> None:
        start.wait()
        outputs.extend(net(torch.ones(1, 2)) for _ in range(30))

    with tracer.record(net) as recording:
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads:
            thread.start()
        start.wait()
        for _ in range(30):
            net(torch.ones(1, 2)).sum().backward()
        for thread in threads:
            thread.join()
    assert len(outputs) == 120
    assert all(torch.equal(output, expected) for output in outputs)
    assert recording.report()["0.weight"].grad.accumulated == 30
    assert recording.report()["0.weight"].verdict == "no_step"


def test_the_post_accumulate_hook_counts_whatever_thread_backward_runs_in() -> None:
    net = nn.Linear(2, 1)
    with tracer.record(net) as recording:
        loss = net(torch.ones(1, 2)).sum()
        in_a_thread(loss.backward)
    assert recording.report()["weight"].grad.accumulated == 1
