"""How often a gradient accumulated, whoever else has hooks on the parameter."""

from __future__ import annotations

import torch

import tracer


def test_a_hook_put_on_after_ours_that_reads_the_gradient_counts_it_no_second_time() -> None:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def step(parameter: torch.Tensor) -> None:
        optimizer.step()
        optimizer.zero_grad()

    with tracer.record(net, optimizer) as recording:  # hooks the parameters before the program does
        net.bias.register_post_accumulate_grad_hook(step)
        for _ in range(3):
            net(torch.ones(4, 2)).sum().backward()
    assert recording.report()["bias"].grad.accumulated == 3


def test_a_hook_put_on_before_ours_that_reads_the_gradient_counts_it_no_second_time() -> None:
    net = torch.nn.Linear(2, 1)
    norms: list[torch.Tensor] = []
    net.bias.register_post_accumulate_grad_hook(lambda parameter: norms.append(parameter.grad.norm()))
    with tracer.record(net) as recording:
        for _ in range(3):
            net(torch.ones(4, 2)).sum().backward()
    assert len(norms) == 3
    assert recording.report()["bias"].grad.accumulated == 3


def test_none_from_a_custom_function_is_counted_neither_at_first_nor_when_the_graph_comes_again() -> None:
    class Steep(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, slope):  # type: ignore[no-untyped-def]
            return x * slope

        @staticmethod
        def backward(ctx, grad):  # type: ignore[no-untyped-def]
            return grad, None

    net = torch.nn.Linear(2, 1)
    net.slope = torch.nn.Parameter(torch.ones(1))
    with tracer.record(net) as recording:
        for _ in range(4):
            Steep.apply(net(torch.ones(4, 2)), net.slope).sum().backward()
    report = recording.report()
    assert (report["slope"].grad.accumulated, report["bias"].grad.accumulated) == (0, 4)


def test_a_gradient_that_a_hook_of_the_users_takes_away_before_ours_counts() -> None:
    net = torch.nn.Linear(2, 1)
    net.bias.register_post_accumulate_grad_hook(lambda parameter: setattr(parameter, "grad", None))
    with tracer.record(net) as recording:
        for _ in range(3):
            net(torch.ones(4, 2)).sum().backward()
    assert recording.report()["bias"].grad.accumulated == 3
