"""While an optimizer steps the function mode is off the stack, and it comes back however the step ends."""

from __future__ import annotations

import pytest
import torch
from torch.overrides import TorchFunctionMode

from tracer.events import CutFound
from tracer.recording.session import Session
from tracer.recording.torch_compat import current_function_mode


class Mine(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        return func(*args, **(kwargs or {}))


class Counting(torch.optim.SGD):
    """Remembers which function mode was active inside ``step``."""

    inside: object = "never"
    fails = False

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]
        self.inside = current_function_mode()
        if self.fails:
            raise RuntimeError("no step today")
        super().step()


def made() -> tuple[torch.nn.Linear, Counting]:
    model = torch.nn.Linear(2, 1)
    return model, Counting(model.parameters(), lr=0.1)


def test_no_function_mode_is_active_inside_a_step() -> None:
    model, optimizer = made()
    with Session(model, optimizer) as session:
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert optimizer.inside is None
        assert current_function_mode() is session.mode
    assert current_function_mode() is None


def test_a_mode_of_the_users_stays_where_it_is() -> None:
    model, optimizer = made()
    with Session(model, optimizer), Mine() as mine:
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert optimizer.inside is mine
        assert current_function_mode() is mine


def test_after_a_step_that_raised_cuts_are_found_again() -> None:
    model, optimizer = made()
    optimizer.fails = True
    with Session(model, optimizer) as session:
        model(torch.ones(1, 2)).sum().backward()
        with pytest.raises(RuntimeError, match="no step today"):
            optimizer.step()
        bias = torch.nn.Parameter(torch.ones(1))
        (model(torch.ones(1, 2)).detach() + bias).sum().backward()
    assert current_function_mode() is None
    assert {cut.op for cut in session.trace.of(CutFound)} == {"detach"}
