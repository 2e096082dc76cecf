"""While a CUDA graph is captured nothing of ours runs on the device. What CUDA would answer is made up here."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tracer.diagnosis.engine import diagnose
from tracer.events import BackwardStarted, GradAccumulated, GradMeasured, OptimizerStepped, ValueMeasured
from tracer.recording import torch_compat
from tracer.recording.mailbox import Mailbox
from tracer.recording.session import Session


class Operations(TorchDispatchMode):
    """Keeps the names of all operations, ours included: on a GPU each would be written into the graph."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_a_capture_holds_the_programs_operations_only_and_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_compat, "_SEEING", [])  # our own operations are seen too
    monkeypatch.setattr(Mailbox, "lazy", True)
    capturing = False
    monkeypatch.setattr(torch_compat, "is_recording_graph", lambda: capturing)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        loss = model(torch.ones(2, 4)).square().mean()
        loss.register_hook(lambda grad: None)
        loss.backward()
        assert model[0].weight.grad is not None
        optimizer.step()

    with Operations() as alone:
        step()
    session = Session(model, optimizer)
    with session:
        step()
        capturing = True
        with Operations() as captured:
            step()
        capturing = False
        step()
    assert captured.names == alone.names
    kinds = (BackwardStarted, OptimizerStepped)
    assert [sum(1 for _ in session.trace.of(kind)) for kind in kinds] == [2, 2]
    assert {event.step for kind in (GradAccumulated, GradMeasured) for event in session.trace.of(kind)} == {1, 2}
    report = diagnose(session.trace)
    assert {row.verdict for row in report} == {"updated"}
    assert [note for note in report.notes if note.startswith("a CUDA graph was captured")] != []
    outside = [event for event in session.trace.of(ValueMeasured) if event.optimizer is None]
    assert {event.changed for event in outside} == {True}  # what the captured step did is seen afterwards
