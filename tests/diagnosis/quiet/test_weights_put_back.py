"""Weights that the program puts back: which uses are intended, and which lose the optimizer's work."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    for _ in range(count):
        optimizer.zero_grad()
        (model(torch.randn(8, 3)) - 1).pow(2).mean().backward()
        optimizer.step()


def averaged(model: nn.Module, share: float, *, by_parts: bool = False, moving: bool = False) -> None:
    """Train; after every step ``share`` of it is kept, the rest is the first weights, or those before the step."""
    first = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(6):
        first = [p.detach().clone() for p in model.parameters()] if moving else first
        steps(model, optimizer, 1)
        with torch.no_grad():
            for p, kept in zip(model.parameters(), first, strict=True):
                if by_parts:
                    p.data.mul_(share).add_(kept, alpha=1 - share)
                else:
                    p.copy_((1 - share) * kept + share * p)


@pytest.mark.parametrize("by_parts", [False, True])
def test_average_written_into_the_trained_weights_overwrites_them(record, by_parts: bool) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        model = net()
        averaged(model, 0.01, by_parts=by_parts)
        return model

    report = record(program)
    assert {row.verdict for row in report} == {"overwritten"}
    told = {where.role for where in report["0.weight"].where if "averaged" in where.function}
    assert told == {"overwritten"}


def test_average_that_keeps_a_tenth_of_each_step_is_no_alarm(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        model = net()
        averaged(model, 0.1, moving=True)
        return model

    assert quiet(program) == {"updated"}


def test_weights_that_a_limit_holds_where_they_are_are_no_alarm(quiet) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        model = nn.Linear(200, 1)
        nn.init.constant_(model.weight, 0.1)
        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.05)
        for _ in range(5):
            optimizer.zero_grad()
            x = torch.rand(8, 200)
            x[:, 0] = -1e-6
            (model(torch.cat([x[:, :1], x[:, 1:]], 1)) - 100).mean().neg().backward()
            optimizer.step()
            for p in model.parameters():
                p.data.clamp_(-0.1, 0.1)
        return model

    assert quiet(program) == {"updated"}


def shadow_swapped_in_twice() -> object:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    shadow = {name: p.data.clone() for name, p in model.named_parameters()}
    for _ in range(3):
        steps(model, optimizer, 2)
        shadow = {name: 0.5 * shadow[name] + 0.5 * p.data for name, p in model.named_parameters()}
        kept = {name: p.data for name, p in model.named_parameters()}
        for name, p in model.named_parameters():
            p.data = shadow[name]
        for name, p in model.named_parameters():
            p.data = kept[name]
    for name, p in model.named_parameters():
        p.data = shadow[name]
    return model


def adapted_to_a_task_and_restored() -> object:
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        steps(model, optimizer, 2)
        saved = copy.deepcopy(model.state_dict())
        steps(model, torch.optim.SGD(model.parameters(), lr=0.1), 2)
        model.load_state_dict(saved)
    return model


def only_adapted_and_restored() -> object:
    model = net()
    saved = copy.deepcopy(model.state_dict())
    for _ in range(3):
        steps(model, torch.optim.SGD(model.parameters(), lr=0.1), 2)
        model.load_state_dict(saved)
    return model


def folds_that_each_end_with_their_best() -> object:
    model = net()
    for _ in range(3):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        steps(model, optimizer, 2)
        best = copy.deepcopy(model.state_dict())
        steps(model, optimizer, 1)
        model.load_state_dict(best)
    return model


def learning_rate_tried_out_first() -> object:
    model = net()
    saved = copy.deepcopy(model.state_dict())
    steps(model, torch.optim.SGD(model.parameters(), lr=0.5), 4)
    model.load_state_dict(saved)
    steps(model, torch.optim.SGD(model.parameters(), lr=0.05), 3)
    return model


QUIET = [
    shadow_swapped_in_twice,
    adapted_to_a_task_and_restored,
    only_adapted_and_restored,
    folds_that_each_end_with_their_best,
    learning_rate_tried_out_first,
]


@pytest.mark.parametrize("program", QUIET, ids=lambda p: p.__name__)
def test_weights_put_back_on_purpose_raise_no_alarm(program, quiet) -> None:  # type: ignore[no-untyped-def]
    assert quiet(program) == {"updated"}


def restored_after_every_epoch() -> object:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    saved = copy.deepcopy(model.state_dict())
    for _ in range(3):
        steps(model, optimizer, 2)
        model.load_state_dict(saved)
    return model


def started_afresh_after_every_epoch() -> object:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        steps(model, optimizer, 2)
        for layer in model:
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    return model


def restored_before_every_step_but_the_first() -> object:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    saved = copy.deepcopy(model.state_dict())
    for _ in range(4):
        model.load_state_dict(saved)
        steps(model, optimizer, 1)
    return model


@pytest.mark.parametrize(
    "program",
    [restored_after_every_epoch, started_afresh_after_every_epoch, restored_before_every_step_but_the_first],
    ids=lambda p: p.__name__,
)
def test_work_that_one_optimizer_loses_again_and_again_is_told(program, record) -> None:  # type: ignore[no-untyped-def]
    assert {row.verdict for row in record(program)} == {"overwritten"}


def test_the_message_counts_the_steps_whose_work_is_gone(record) -> None:  # type: ignore[no-untyped-def]
    finding = next(f for f in record(restored_before_every_step_but_the_first).findings if f.name == "overwritten")
    assert "4 steps changed it" in finding.message
    assert "took the work of 3 of them away again" in finding.message


def test_shadow_weights_that_stay_in_after_each_evaluation_overwrite(record) -> None:  # type: ignore[no-untyped-def]
    def program() -> object:
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        shadow = [p.detach().clone() for p in model.parameters()]
        for _ in range(3):
            steps(model, optimizer, 3)
            with torch.no_grad():
                for p, kept in zip(model.parameters(), shadow, strict=True):
                    kept.lerp_(p, 0.001)
                    p.copy_(kept)
        return model

    report = record(program)
    assert {row.verdict for row in report} == {"overwritten"}
    assert "took the work of 9 of them away again" in report["0.weight"].message
