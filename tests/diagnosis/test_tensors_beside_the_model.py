"""Optimizers that hold tensors beside the model's own: master weights, and a prototype whose copies train."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import tracer  # noqa: E402

nn = torch.nn


def with_master_weights(*, copied_back: bool) -> tracer.Report:
    torch.manual_seed(0)
    net = nn.Linear(4, 2)
    master = [p.detach().double().requires_grad_() for p in net.parameters()]
    optimizer = torch.optim.SGD(master, lr=0.1)
    with tracer.record(net, optimizer) as recording:
        for _ in range(3):
            net.zero_grad()
            net(torch.randn(8, 4)).pow(2).mean().backward()
            for kept, p in zip(master, net.parameters(), strict=True):
                kept.grad = p.grad.double()
            optimizer.step()
            for kept, p in zip(master, net.parameters(), strict=True):
                if copied_back:
                    p.data.copy_(kept)
    return recording.report()


def test_weights_that_follow_master_weights_are_updated() -> None:
    report = with_master_weights(copied_back=True)
    assert {row.verdict for row in report.parameters} == {"updated"}
    assert not [f for f in report.findings if f.severity in ("warning", "error")]


def test_master_weights_that_never_come_back_are_told() -> None:
    report = with_master_weights(copied_back=False)
    assert report["weight"].verdict == "not_in_optimizer"
    assert report["weight"].severity == "error"


def test_every_copy_of_a_prototype_stands_for_it() -> None:
    torch.manual_seed(0)
    prototype = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(prototype.parameters(), lr=0.1)
    members = nn.ModuleDict({name: copy.deepcopy(prototype) for name in ("first", "second", "third")})
    with tracer.record(members, optimizer) as recording:
        for _ in range(3):
            sum(m(torch.randn(8, 4)).pow(2).mean() for m in members.values()).backward()
            optimizer.step()
            members.zero_grad()
    report = recording.report()
    verdicts = {row.name: row.verdict for row in report.parameters if row.name.startswith(("first", "second", "third"))}
    assert len(verdicts) == 12
    assert set(verdicts.values()) == {"stale_in_optimizer"}


def test_a_head_for_other_classes_put_in_before_the_recording_is_matched_as_probable() -> None:
    import tracer

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net[2] = torch.nn.Linear(8, 3)
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.randn(6, 4)).pow(2).mean().backward()
            optimizer.step()
    report = recording.report()
    assert {row.name: row.verdict for row in report} == {
        "0.weight": "updated", "0.bias": "updated", "2.weight": "stale_in_optimizer", "2.bias": "stale_in_optimizer",
    }  # fmt: skip
    assert report["2.weight"].confidence == "probable"


def _by_hand(forgotten: bool, collocation: bool = False) -> object:
    import tracer

    torch.manual_seed(0)
    inner = torch.randn(3, 4, requires_grad=True)
    outer = torch.randn(4, 1, requires_grad=True)
    points = torch.randn(5, 3, requires_grad=collocation)
    optimizer = torch.optim.SGD([outer] if forgotten else [inner, outer], lr=0.1)
    with tracer.record(None, optimizer) as recording:
        for _ in range(3):
            optimizer.zero_grad()
            loss = (torch.tanh(points @ inner) @ outer).pow(2).mean()
            if collocation:
                (slope,) = torch.autograd.grad(loss, points, create_graph=True)
                loss = loss + slope.pow(2).mean()
            loss.backward()
            optimizer.step()
    return recording.report()


def test_a_weight_kept_by_hand_that_the_optimizer_lacks_is_told_by_its_name() -> None:
    report = _by_hand(forgotten=True)
    assert {row.name: row.verdict for row in report} == {"inner": "not_in_optimizer", "outer": "updated"}


def test_points_that_derivatives_are_taken_by_are_no_forgotten_weights() -> None:
    report = _by_hand(forgotten=False, collocation=True)
    assert {row.name: row.verdict for row in report} == {"inner": "updated", "outer": "updated"}


def beside(make, *, anew: bool = False) -> tracer.Report:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    scale = make()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(None, optimizer) as recording:
        for _ in range(3):
            optimizer.zero_grad()
            scale = make() if anew else scale
            (scale * net(torch.randn(8, 3)) - 1).pow(2).mean().backward()
            optimizer.step()
    return recording.report()


def test_parameter_beside_all_modules_that_the_optimizer_lacks_is_told() -> None:
    report = beside(lambda: nn.Parameter(torch.ones(1)))
    assert {row.name: row.verdict for row in report} == {
        "weight": "updated", "bias": "updated", "scale": "not_in_optimizer",
    }  # fmt: skip
    assert report["scale"].confidence == "certain"


def test_parameter_that_is_made_anew_in_each_step_has_one_row_with_the_line_that_makes_it() -> None:
    report = beside(lambda: nn.Parameter(torch.ones(1)), anew=True)
    assert {row.name: row.verdict for row in report} == {
        "weight": "updated", "bias": "updated", "scale": "not_registered",
    }  # fmt: skip
    assert [where.role for where in report["scale"].where] == ["made"]


def test_tensors_that_are_made_anew_in_each_step_are_inputs() -> None:
    report = beside(lambda: torch.ones(1, requires_grad=True), anew=True)
    assert {row.name: row.verdict for row in report} == {"weight": "updated", "bias": "updated"}


def train_copy(*, own_optimizer: bool, original_runs: bool = False) -> tracer.Report:
    torch.manual_seed(0)
    with tracer.record(None) as recording:
        original = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(original.parameters(), lr=0.1)
        copied = copy.deepcopy(original)  # copied here
        if own_optimizer:
            optimizer = torch.optim.SGD(copied.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            target = original(torch.randn(8, 3)).detach() if original_runs else 1
            (copied(torch.randn(8, 3)) - target).pow(2).mean().backward()
            optimizer.step()
    return recording.report()


def copied_at(row: tracer.ParameterReport) -> bool:
    return any("# copied here" in Path(__file__).read_text().splitlines()[where.line - 1] for where in row.where)


@pytest.mark.parametrize("original_runs", [False, True])
def test_copy_that_trains_while_the_optimizer_holds_the_original_names_the_line_of_the_copy(
    original_runs: bool,
) -> None:
    report = train_copy(own_optimizer=False, original_runs=original_runs)
    row = report["copied.weight"]
    assert (row.verdict, row.confidence) == ("stale_in_optimizer", "certain")
    assert copied_at(row)
    assert any(row.model == "original" for row in report) == original_runs


def test_original_whose_copy_has_an_optimizer_of_its_own_names_the_line_of_the_copy() -> None:
    report = train_copy(own_optimizer=True)
    row = report["original.weight"]
    assert row.verdict == "unused"
    assert copied_at(row)
    assert report["copied.weight"].verdict == "updated"


class Agent:
    """No module: it holds a network, and beside it a number of its own that one loss in two is for."""

    def __init__(self) -> None:
        self.net = nn.Linear(3, 1)
        self.log_alpha = torch.zeros(1, requires_grad=True)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def update(self) -> None:
        out = self.net(torch.randn(8, 3))
        self.optimizer.zero_grad()
        out.pow(2).mean().backward()
        self.optimizer.step()
        (self.log_alpha * out.detach()).mean().backward()


def test_number_that_an_object_holds_and_no_optimizer_has_is_told_under_that_object() -> None:
    torch.manual_seed(0)
    with tracer.record(None) as recording:
        agent = Agent()
        for _ in range(3):
            agent.update()
    row = recording.report()["agent.log_alpha"]
    assert (row.model, row.name, row.verdict, row.confidence) == ("agent", "log_alpha", "not_in_optimizer", "probable")
