"""``zero_grad`` is told as it was, although it is looked at only before and after."""

from __future__ import annotations

import pytest
import torch

import tracer
from tracer.events import GradTouched
from tracer.recording.session import Session


def touches(clear: str, **options: bool) -> list[tuple[int, str, str]]:
    net = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    owner = net if clear == "module" else optimizer
    with tracer.record(net, optimizer) as recording:
        owner.zero_grad(**options)
        net(torch.ones(1, 2)).sum().backward()
        owner.zero_grad(**options)
    return [(e.leaf, e.how, e.function) for e in recording.trace.events if isinstance(e, GradTouched)]


@pytest.mark.parametrize("owner", ["module", "optimizer"])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_each_gradient_that_zero_grad_cleared_is_told_once(owner: str, set_to_none: bool) -> None:
    expected = [(0, "cleared", "zero_grad"), (1, "cleared", "zero_grad")]
    assert touches(owner, set_to_none=set_to_none) == expected


def test_a_zero_grad_that_leaves_the_gradients_as_they_are_clears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.Optimizer, "zero_grad", lambda self: None)
    assert touches("optimizer") == []


def test_the_line_is_the_one_that_called_zero_grad() -> None:
    net = torch.nn.Linear(2, 1)
    with tracer.record(net) as recording:
        net(torch.ones(1, 2)).sum().backward()
        net.zero_grad()  # this line
    touched = next(event for event in recording.trace.events if isinstance(event, GradTouched))
    place = next(e for e in recording.trace.events if type(e).__name__ == "PlaceSeen" and e.place == touched.place)
    assert "net.zero_grad()  # this line" in place.code[1]


def test_a_zero_grad_that_raises_leaves_the_function_mode_on() -> None:
    net = torch.nn.Linear(2, 1)
    with Session(net) as session:
        with pytest.raises(TypeError):
            net.zero_grad(nothing=1)  # type: ignore[call-arg]
        assert not session.mode.quiet
