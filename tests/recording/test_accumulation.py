"""A leaf that accumulated is known without a hook of ours once its graph comes again, and by one where need be."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracer
from tracer.events import GradAccumulated
from tracer.recording.session import Session
from tracer.recording.torch_compat import post_accumulate_hooks


def backward(net: nn.Module) -> None:
    net(torch.ones(1, 2)).sum().backward()


def told(session: Session) -> list[tuple[int, int]]:
    return [(e.backward, e.leaf) for e in session.trace.events if isinstance(e, GradAccumulated)]


def recorded(work: Callable[[nn.Module, torch.optim.Optimizer], None]) -> list[tuple[int, int]]:
    net = nn.Linear(2, 1)
    with Session(net) as session:
        work(net, torch.optim.SGD(net.parameters(), lr=0.1))
    return sorted(told(session))


EACH_OF_THREE = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]


def test_no_hook_of_ours_is_left_on_a_parameter_whose_graph_came_again() -> None:
    net = nn.Linear(2, 1)
    with Session(net):
        backward(net)
        assert len(post_accumulate_hooks(net.weight)) == 1
        backward(net)
        assert len(post_accumulate_hooks(net.weight)) == 0


@pytest.mark.parametrize("clear", [True, False])
def test_each_accumulation_is_told_whether_gradients_are_cleared_between_or_not(clear: bool) -> None:
    def work(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(3):
            backward(net)
            optimizer.zero_grad() if clear else None

    assert recorded(work) == EACH_OF_THREE


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph:UserWarning")
def test_gradients_that_are_accumulated_with_a_graph_are_told() -> None:
    def work(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(3):
            net(torch.ones(1, 2)).square().sum().backward(create_graph=True)
            net.weight.grad.detach_()
            net.bias.grad.detach_()

    assert recorded(work) == EACH_OF_THREE


def test_a_frozen_parameter_and_one_left_out_by_inputs_are_not_told() -> None:
    def work(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        for _ in range(3):
            net(torch.ones(1, 2)).sum().backward(inputs=[net.bias])

    assert recorded(work) == [(0, 1), (1, 1), (2, 1)]


def test_a_parameter_stepped_inside_backward_is_told_each_time() -> None:
    def work(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        def step(parameter: torch.Tensor) -> None:
            optimizer.step()
            optimizer.zero_grad()

        backward(net)
        backward(net)
        net.bias.register_post_accumulate_grad_hook(step)
        backward(net)

    assert recorded(work) == EACH_OF_THREE


def test_a_backward_inside_a_backward_loses_and_doubles_nothing() -> None:
    class Inner(torch.autograd.Function):
        nested = False

        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, grad: torch.Tensor) -> torch.Tensor:
            if Inner.nested:
                with torch.enable_grad():
                    backward(other)
            return grad

    net, other = nn.Linear(2, 1), nn.Linear(2, 1)
    with Session({"net": net, "other": other}) as session:
        for step in range(4):
            Inner.nested = step == 3
            Inner.apply(net(torch.ones(1, 2))).sum().backward()  # type: ignore[no-untyped-call]
            backward(other)
    assert sorted(told(session)) == [
        (0, 0), (0, 1), (1, 2), (1, 3), (2, 0), (2, 1), (3, 2), (3, 3),
        (4, 0), (4, 1), (5, 2), (5, 3), (6, 0), (6, 1), (7, 2), (7, 3), (8, 2), (8, 3),
    ]  # fmt: skip


def test_a_hook_that_reads_a_gradient_finds_it_told() -> None:
    net, read = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), []
    with tracer.record(net) as recording:
        for step in range(4):
            out = net[1](hidden := net[0](torch.ones(1, 2)))
            if step == 3:
                hidden.register_hook(lambda grad: read.append(net[1].weight.grad.norm()))
            out.sum().backward()
    counts = {row.name: row.grad.accumulated for row in recording.report().parameters}
    assert counts == {"0.weight": 4, "0.bias": 4, "1.weight": 4, "1.bias": 4}


def test_a_backward_in_another_thread_is_told_of_a_parameter_that_had_no_hook_any_more() -> None:
    net = nn.Linear(2, 1)
    with Session(net) as session:
        backward(net)
        backward(net)
        thread = threading.Thread(target=backward, args=(net,))
        thread.start()
        thread.join()
    assert len(told(session)) == 6


def test_a_new_graph_after_one_that_came_again_is_told_too() -> None:
    def work(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        backward(net)
        backward(net)
        net(torch.ones(1, 2)).square().sum().backward()

    assert recorded(work) == EACH_OF_THREE
