"""Training loops without an optimizer: what they write back, and what they leave in a new tensor."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import tracer  # noqa: E402

nn = torch.nn
source = Path(__file__).read_text().splitlines()


def by_hand(step) -> tracer.Report:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    with tracer.record(net) as recording:
        for _ in range(3):
            net.zero_grad()
            (net(torch.randn(8, 3)) - 1).pow(2).mean().backward()
            step(net)
    return recording.report()


@pytest.mark.parametrize("recording_grad", [False, True])
def test_step_that_binds_its_result_to_the_loop_variable_names_its_line(recording_grad: bool) -> None:
    def step(net: nn.Module) -> None:
        with torch.set_grad_enabled(recording_grad):
            for p in net.parameters():
                p = p - 0.1 * p.grad

    row = by_hand(step)["weight"]
    assert (row.verdict, row.severity) == ("no_step", "warning")
    told = {source[where.line - 1].strip() for where in row.where if where.role == "step"}
    assert told == {"p = p - 0.1 * p.grad"}


def test_step_that_is_written_back_by_a_state_dict_is_fine() -> None:
    def step(net: nn.Module) -> None:
        with torch.no_grad():
            net.load_state_dict({name: p - 0.1 * p.grad for name, p in net.named_parameters()})

    assert {row.verdict for row in by_hand(step)} == {"updated"}


def test_score_made_of_weight_and_gradient_is_no_step() -> None:
    def step(net: nn.Module) -> None:
        sum((p * p.grad).abs().sum() for p in net.parameters())

    assert {row.severity for row in by_hand(step)} == {"info"}


def test_copies_that_step_by_hand_and_are_dropped_raise_no_alarm() -> None:
    torch.manual_seed(0)
    with tracer.record(None) as recording:
        net = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            learner = copy.deepcopy(net)
            for _ in range(2):
                learner.zero_grad()
                (learner(torch.randn(8, 3)) - 1).pow(2).mean().backward()
                with torch.no_grad():
                    for p in learner.parameters():
                        p -= 0.1 * p.grad
            for p, q in zip(net.parameters(), learner.parameters(), strict=True):
                p.grad = q.grad
            optimizer.step()
    assert [f for f in recording.report().findings if f.severity in ("error", "warning")] == []
