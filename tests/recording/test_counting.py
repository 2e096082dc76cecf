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
