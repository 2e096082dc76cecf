"""``nn.Parameter(x)``, ``Variable(x)`` and ``from_numpy``: watched while recording, as before afterwards."""

from __future__ import annotations

import copy

import torch
from torch.autograd import Variable

from tracer.diagnosis.engine import diagnose
from tracer.recording.session import Session

nn = torch.nn


def test_everything_that_was_replaced_is_put_back() -> None:
    meta = type(Variable)
    before = (vars(nn.Parameter)["__new__"], "__call__" in vars(meta), torch.from_numpy)
    with Session():
        assert vars(nn.Parameter)["__new__"] is not before[0]
    assert (vars(nn.Parameter)["__new__"], "__call__" in vars(meta), torch.from_numpy) == before


def test_what_is_built_while_recording_is_of_the_usual_kind() -> None:
    with Session():
        parameter = nn.Parameter(torch.ones(2))
        frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        lazy = nn.LazyLinear(3)
        variable = Variable(torch.ones(2), requires_grad=True)
        twin = copy.deepcopy(parameter)
    assert type(parameter) is nn.Parameter
    assert parameter.requires_grad
    assert not frozen.requires_grad
    assert isinstance(lazy.weight, nn.UninitializedParameter)
    assert type(variable) is torch.Tensor
    assert variable.requires_grad
    assert type(twin) is nn.Parameter
    assert isinstance(torch.ones(1), Variable)


def test_lazy_parameters_are_followed_from_their_first_forward_on() -> None:
    session = Session()
    with session:
        net = nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.LazyLinear(1))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(8, 3)).pow(2).mean().backward()
            optimizer.step()
    report = diagnose(session.trace)
    assert [(p.name, p.shape, p.verdict) for p in report] == [
        ("0.weight", (4, 3), "updated"),
        ("0.bias", (4,), "updated"),
        ("2.weight", (1, 4), "updated"),
        ("2.bias", (1,), "updated"),
    ]
    assert not report.notes


def test_a_result_wrapped_in_parameter_or_variable_is_a_cut() -> None:
    for wrap in (nn.Parameter, Variable, lambda t: Variable(t, requires_grad=True)):
        session = Session()
        with session:
            first, second = nn.Linear(3, 3), nn.Linear(3, 1)
            optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
            for _ in range(2):
                optimizer.zero_grad()
                second(wrap(first(torch.randn(4, 3)))).pow(2).mean().backward()
                optimizer.step()
        report = diagnose(session.trace)
        assert [p.verdict for p in report if p.model == "first"] == ["cut", "cut"]
        assert [p.verdict for p in report if p.model == "second"] == ["updated", "updated"]


def test_a_deep_copy_is_no_cut_of_the_original() -> None:
    session = Session()
    with session:
        student = nn.Linear(3, 1)
        teacher = copy.deepcopy(student)
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
        for _ in range(2):
            x = torch.randn(4, 3)
            optimizer.zero_grad()
            (student(x) - teacher(x).detach() - 1).pow(2).mean().backward()
            optimizer.step()
    assert not [f for f in diagnose(session.trace).findings if f.severity in ("error", "warning")]
