"""Where zero and NaN come from, and whose hook or write it was: each a bug that was once answered wrongly."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Report
from tracer.recording.session import Session


def record(program: Callable[[], object]) -> Report:
    torch.manual_seed(0)
    with Session() as session:
        kept = program()
    del kept
    return diagnose(session.trace)


def steps(net, loss_of, between=None, lr: float = 0.01):  # type: ignore[no-untyped-def]
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(3):
        optimizer.zero_grad()
        loss_of().backward()
        if between is not None:
            between()
        optimizer.step()
    return net, optimizer


def test_first_operation_with_a_bad_value_is_named_not_the_one_that_passes_it_on() -> None:
    def program() -> object:
        net, x = nn.Linear(3, 2), torch.randn(4, 3)
        return steps(net, lambda: ((torch.exp(net(x) * 1e4) + 1) * 2).sub(1).mean())

    assert {row.verdict for row in record(program)} == {"nan_grad"}
    assert all("the value of exp at " in row.message for row in record(program))


def test_nan_in_data_is_told_with_the_line_that_made_it() -> None:
    def program() -> object:
        net, x = nn.Linear(3, 1), torch.rand(4, 3)
        y = torch.log(x.sum(1, keepdim=True) - 100)
        return steps(net, lambda: nn.functional.mse_loss(net(x), y))

    rows = list(record(program))
    assert {row.verdict for row in rows} == {"nan_grad"}
    assert all(any("torch.log(x.sum" in line for line in row.where[0].code) for row in rows)


def test_backward_hook_on_a_module_that_returns_zeros_is_told() -> None:
    def zeros(module: object, into: tuple[torch.Tensor, ...], out: object) -> tuple[torch.Tensor, ...]:
        return tuple(torch.zeros_like(grad) for grad in into)

    def program() -> object:
        net, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), torch.randn(4, 3)
        net[2].register_full_backward_hook(zeros)
        return steps(net, lambda: net(x).pow(2).mean())

    verdicts = {row.name: row.verdict for row in record(program)}
    assert (verdicts["0.weight"], verdicts["2.weight"]) == ("hooked", "updated")


def test_zeros_written_through_the_data_of_a_gradient_are_told() -> None:
    def program() -> object:
        net, x = nn.Linear(3, 1), torch.randn(4, 3)
        return steps(net, lambda: net(x).pow(2).mean(), lambda: net.weight.grad.data.fill_(0))

    verdicts = {row.name: row.verdict for row in record(program)}
    assert verdicts == {"weight": "replaced_grad", "bias": "updated"}


def test_tensors_in_a_partial_a_closure_and_a_buffer_are_named() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            inner = nn.Linear(3, 3)
            self.first = lambda x: inner(x)
            self.second = functools.partial(nn.functional.linear, weight=nn.Parameter(torch.randn(3, 3)))
            self.register_buffer("scale", torch.ones(3, requires_grad=True))
            self.out = nn.Linear(3, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(self.second(self.first(x)) * self.scale)

    def program() -> object:
        net, x = Hidden(), torch.randn(4, 3)
        return steps(net, lambda: net(x).pow(2).mean())

    verdicts = {row.name: row.verdict for row in record(program)}
    told = {name for name, verdict in verdicts.items() if verdict == "not_registered"}
    assert told == {"first.inner.weight", "first.inner.bias", "second.weight", "scale"}


def test_relu_that_died_on_the_way_is_told_as_probable() -> None:
    def program() -> object:
        net, x = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), torch.rand(4, 3)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        for step in range(6):
            optimizer.zero_grad()
            (net(x) - 5).abs().mean().backward()
            optimizer.step()
            if step == 1:
                net[0].bias.data.sub_(100.0)
        return net, optimizer

    rows = {row.name: row for row in record(program)}
    assert (rows["0.weight"].verdict, rows["0.weight"].confidence) == ("zero_grad", "probable")
