"""Optimizers that hold tensors beside the model's own: master weights, and a prototype whose copies train."""

from __future__ import annotations

import copy

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
