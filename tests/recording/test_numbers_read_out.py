"""Python numbers read out of tensors are known again as the objects that they are, whatever their value."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from tracer.diagnosis.engine import diagnose  # noqa: E402
from tracer.recording.session import Session  # noqa: E402


class Scaled(torch.nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))
        self.linear = torch.nn.Linear(2, 1)


class ReadsIt(Scaled):
    def forward(self, x: Any) -> Any:
        factor = self.factor.item()
        return self.linear(x) * factor


class OnlyHasAnEqualOne(Scaled):
    def forward(self, x: Any) -> Any:
        return self.linear(x) * 2.0


def verdict_of_factor(kind: type[Scaled], factor: float) -> str:
    session = Session()
    with session:
        net = kind(factor)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.ones(3, 2)).sum().backward()
            optimizer.step()
    return diagnose(session.trace)["factor"].verdict


@pytest.mark.parametrize("factor", [1.0, 0.5, 2.0, 0.1234567])
def test_a_number_read_out_by_item_is_a_cut_whatever_its_value(factor: float) -> None:
    assert verdict_of_factor(ReadsIt, factor) == "cut"


def test_an_equal_number_that_was_not_read_out_proves_nothing() -> None:
    assert verdict_of_factor(OnlyHasAnEqualOne, 2.0) == "unused"


def test_moving_a_module_to_its_device_is_no_cut() -> None:
    session = Session()
    with session:
        net = ReadsIt(2.0).to("cpu").double()
        net(torch.ones(3, 2, dtype=torch.float64)).sum().backward()
    finding = next(f for f in diagnose(session.trace).findings if f.name == "cut")
    assert [where.op for where in finding.where if where.role == "cut"] == ["item"]
