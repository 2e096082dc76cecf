"""Assertions for users' tests: they pass on what trains, and a failure is the diagnosis with its line."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch
from torch import nn

import tracer
from tracer.errors import UsageError


class Net(nn.Module):
    def __init__(self, how: str = "") -> None:
        super().__init__()
        self.encoder, self.head, self.how = nn.Linear(3, 4), nn.Linear(4, 1), how

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        code = torch.tanh(self.encoder(x))
        if self.how == "detach":
            code = code.detach()  # the cut
        return self.head(code)


CUT = inspect.getsourcelines(Net)[1] + next(
    i for i, line in enumerate(inspect.getsourcelines(Net)[0]) if "# the cut" in line
)


def training(net: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> Callable[[], None]:
    def step() -> None:
        net.zero_grad()
        net(torch.ones(2, 3)).pow(2).mean().backward()
        if optimizer is not None:
            optimizer.step()

    return step


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def test_a_net_that_learns_passes_and_gives_its_report() -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    report = tracer.assert_learns(net, training(net, optimizer), optimizer=optimizer)
    assert {row.verdict for row in report} == {"updated"}


def test_the_failure_names_cause_parameters_line_and_fix() -> None:
    net = Net("detach")
    with pytest.raises(AssertionError) as failure:
        tracer.assert_learns(net, training(net, torch.optim.SGD(net.parameters(), lr=0.1)))
    text = str(failure.value)
    assert text.startswith("2 of 4 parameters do not learn:")
    assert "cut (TR202): encoder.weight, encoder.bias" in text
    assert f"test_assertions.py:{CUT} in " in text
    assert "code = code.detach()  # the cut" in text
    assert "Fix: drop the detach" in text


def test_what_is_ignored_by_pattern_does_not_fail() -> None:
    net = Net("detach")
    tracer.assert_learns(net, training(net, torch.optim.SGD(net.parameters(), lr=0.1)), ignore="encoder.*")


def test_a_pattern_that_matches_nothing_is_told() -> None:
    net = Net()
    with pytest.raises(UsageError, match=r"ignore has 'decoder\.\*', which matches no parameter\. There are: encoder"):
        tracer.assert_learns(net, training(net), ignore=["decoder.*"])


def test_a_frozen_parameter_need_not_learn() -> None:
    net = Net()
    net.encoder.requires_grad_(False)
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    tracer.assert_learns(net, training(net, optimizer))


def test_a_parameter_in_no_optimizer_does_not_learn_though_it_gets_a_gradient() -> None:
    net = Net()
    step = training(net, torch.optim.SGD(net.head.parameters(), lr=0.1))
    with pytest.raises(AssertionError, match=r"not_in_optimizer \(TR101\): encoder\.weight, encoder\.bias"):
        tracer.assert_learns(net, step)
    tracer.assert_all_params_receive_grad(net, step)


def test_a_step_may_return_the_loss_instead_of_running_backward() -> None:
    net = Net()
    report = tracer.assert_all_params_receive_grad(net, lambda: net(torch.ones(2, 3)).sum())
    assert report["encoder.weight"].grad.accumulated == 1


def test_a_gradient_of_zeros_counts_as_none_unless_allowed() -> None:
    net = Net()
    step = lambda: (net(torch.ones(2, 3)) * 0.0).sum()  # noqa: E731
    with pytest.raises(AssertionError, match="4 of 4 parameters receive no gradient"):
        tracer.assert_all_params_receive_grad(net, step)
    tracer.assert_all_params_receive_grad(net, step, allow_zero=True)


def test_frozen_parameters_that_stay_pass_and_those_that_decay_fail() -> None:
    net = Net("detach")
    still = torch.optim.SGD(net.parameters(), lr=0.1)
    tracer.assert_frozen(net, training(net, still), "encoder.*")
    for p in net.encoder.parameters():
        p.grad = torch.zeros_like(p)
    decaying = torch.optim.SGD(net.parameters(), lr=0.1, weight_decay=0.5)

    def step() -> None:
        net(torch.ones(2, 3)).sum().backward()
        decaying.step()

    with pytest.raises(AssertionError, match=r"encoder\.weight: changed by the optimizer decaying, by weight decay"):
        tracer.assert_frozen(net, step, ["encoder.*"])


def test_an_optimizer_that_covers_the_model_passes() -> None:
    net = Net()
    tracer.assert_optimizer_covers(net, torch.optim.SGD(net.parameters(), lr=0.1))
    both = [torch.optim.SGD(net.encoder.parameters(), lr=0.1), torch.optim.SGD(net.head.parameters(), lr=0.1)]
    tracer.assert_optimizer_covers(net, both)


def test_missing_doubled_and_foreign_tensors_are_told() -> None:
    net, other = Net(), Net()
    optimizers = {
        "a": torch.optim.SGD([net.encoder.weight, *other.head.parameters()], lr=0.1),
        "b": torch.optim.SGD([net.encoder.weight], lr=0.1),
    }
    with pytest.raises(AssertionError) as failure:
        tracer.assert_optimizer_covers(net, optimizers, ignore="head.bias")
    text = str(failure.value)
    assert "in no optimizer: encoder.bias, head.weight\n" in text
    assert "in several param groups: encoder.weight\n" in text
    assert "2 of its tensors are not this model's" in text


def test_findings_of_a_report_fail_unless_ignored() -> None:
    net = Net("detach")
    with tracer.record(net) as recording:
        training(net, torch.optim.SGD(net.parameters(), lr=0.1))()
    with pytest.raises(AssertionError, match=r"1 finding:\n\nTR202 cut: encoder\.weight, encoder\.bias"):
        tracer.assert_no_findings(recording)
    tracer.assert_no_findings(recording.report(), ignore="cut")
    tracer.assert_no_findings(recording.trace, ignore=["TR202"])
    with pytest.raises(UsageError, match="severity is 'fatal'"):
        tracer.assert_no_findings(recording, severity="fatal")


def test_the_users_exception_in_the_step_passes_unchanged() -> None:
    def step() -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match=r"^mine$"):
        tracer.assert_learns(Net(), step)


def test_steps_below_one_are_refused() -> None:
    from tracer.integrations.assertions import traced

    with pytest.raises(UsageError, match=r"steps is 0\. It must be 1 or more\."):
        traced(Net(), lambda: None, steps=0)


def test_the_fixture_traces_a_step(traced_step: Callable[..., object]) -> None:
    net = Net()
    report = traced_step(net, training(net, torch.optim.SGD(net.parameters(), lr=0.1)), steps=2)
    assert report["head.bias"].value.steps == 2  # type: ignore[index]
