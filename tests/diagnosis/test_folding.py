"""Steps that are alike are counted: a report of a long run is the same as if all of them were kept."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tracer.diagnosis import folding, gathering  # noqa: E402
from tracer.diagnosis.engine import diagnose  # noqa: E402
from tracer.recording.session import Session  # noqa: E402
from tracer.scenarios import registry  # noqa: E402
from tracer.traces import Trace  # noqa: E402

nn = torch.nn
STEPS = 12


def recorded(program: Any) -> Trace:
    torch.manual_seed(0)
    session = Session()
    with session:
        kept = program()
    del kept
    return session.trace


def said(trace: Trace) -> str:
    report = diagnose(trace)
    rows = [(r.name, r.verdict, r.severity, r.confidence, r.message, r.grad, r.value) for r in report.parameters]
    return repr((rows, report.findings, report.notes))


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(folding, "KEPT", 0)
    monkeypatch.setattr(gathering, "KEPT", 0)
    yield


#: At least one of each kind of verdict; those whose steps can be chosen.
NAMES = [name for name in registry.names() if "steps" in inspect.signature(registry.load(name).run).parameters]


@pytest.mark.parametrize("name", NAMES[::3])
def test_a_scenario_is_judged_the_same_with_its_steps_folded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = registry.load(name)
    trace = recorded(lambda: module.run(torch, torch.device("cpu"), steps=STEPS, seed=0))
    whole = said(trace)
    monkeypatch.setattr(folding, "KEPT", 0)
    monkeypatch.setattr(gathering, "KEPT", 0)
    assert said(trace) == whole


def train(steps: int, *, dies_after: int | None = None, stop_clearing: int | None = None) -> Any:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for turn in range(steps):
        if stop_clearing is None or turn < stop_clearing:
            optimizer.zero_grad()
        if turn == dies_after:
            nn.init.constant_(net[0].bias, -100.0)
        net(torch.rand(8, 3)).pow(2).mean().backward()
        optimizer.step()
    return net, optimizer


def test_of_many_steps_the_first_and_the_last_are_kept_and_all_are_counted() -> None:
    facts = gathering.gather(recorded(lambda: train(300)))
    leaf = facts.leaves[2]
    assert (leaf.step_count, leaf.accumulations) == (300, 300)
    assert len(leaf.steps) == len(leaf.accumulated) == 106
    assert (leaf.steps[0].step, leaf.steps[-1].step) == (1, 300)


def test_a_short_run_is_kept_whole() -> None:
    facts = gathering.gather(recorded(lambda: train(folding.KEPT)))
    assert all(len(leaf.steps) == folding.KEPT for leaf in facts.leaves.values())


@pytest.mark.usefixtures("folded")
def test_a_unit_that_dies_half_way_is_told_with_the_right_counts() -> None:
    report = diagnose(recorded(lambda: train(30, dies_after=10)))
    assert report["0.weight"].findings == ("TR301",)
    assert "was there in 10 measurements and exactly zero in the 20 since" in report["0.weight"].message


@pytest.mark.usefixtures("folded")
def test_gradients_that_pile_up_are_told_with_the_right_counts() -> None:
    report = diagnose(recorded(lambda: train(30, stop_clearing=5)))
    assert report["2.weight"].message.startswith("25 of 29 later steps used the gradients of the steps before too")


def test_of_many_backwards_some_keep_what_was_measured_at_their_nodes() -> None:
    facts = gathering.gather(recorded(lambda: train(400)))
    kept = [key for key, ended in facts.ended.items() if ended.norms]
    assert len(kept) <= folding.MEASURED
    assert kept[:64] == list(range(64))
    assert kept[-64:] == list(range(336, 400))
