"""Reading numbers out of the device is rare: it does not grow with the model, and no hook does it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from tracer.diagnosis.engine import diagnose
from tracer.events import BackwardEnded, GradMeasured, Noted, ValueMeasured
from tracer.recording import mailbox, torch_compat
from tracer.recording.mailbox import Mailbox
from tracer.recording.session import Session

#: Operations that wait for the device on a GPU: they read a number out, or the size of their result depends on numbers.
WAITING = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "unique", "_unique2")


class Reads(TorchDispatchMode):
    """Counts operations that wait for the device on a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.count = self.all = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket.__name__ in WAITING
        self.all += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture(autouse=True)
def _ours_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tracer does is hidden from dispatch modes; here it is to be counted."""
    monkeypatch.setattr(torch_compat, "_SEEING", [])


def reads_of_a_step(layers: int, *, traced: bool, detail: str = "flow") -> tuple[int, int]:
    torch.manual_seed(0)
    model = torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(layers)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        model(torch.ones(2, 8)).square().mean().backward()
        optimizer.step()

    if not traced:
        with Reads() as reads:
            step()
        return reads.count, reads.all
    with Session(model, optimizer, detail=detail):
        step()
        with Reads() as reads:
            step()
    return reads.count, reads.all


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
def test_reads_per_step_do_not_grow_with_the_model(detail: str) -> None:
    none, alone = reads_of_a_step(2, traced=False)
    few, operations = reads_of_a_step(2, traced=True, detail=detail)
    assert few == reads_of_a_step(20, traced=True, detail=detail)[0] == none == 0
    assert operations > alone + 2  # ours are among those that were looked at


class Copies:
    """Counts what is brought over from a device, and when: all tensors are treated as if they lay on a GPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.inside: list[str] = []
        monkeypatch.setattr(Mailbox, "lazy", True)
        copy = mailbox._copy

        def counted(tensors: Any, streams: Any) -> Any:
            self.sizes.append(len(tensors))
            return copy(tensors, streams)

        monkeypatch.setattr(mailbox, "_copy", counted)


class Frozen(torch.nn.Module):
    """Layers of which every other is frozen, and of which the first is large."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.first = torch.nn.Linear(8, 4096)
        self.back = torch.nn.Linear(4096, 8)
        self.layers = torch.nn.ModuleList(torch.nn.Linear(8, 8) for _ in range(layers))
        for layer in self.layers[::2]:
            layer.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.back(torch.tanh(self.first(x)))
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
@pytest.mark.parametrize("layers", [2, 20])
def test_a_step_brings_everything_over_in_one_copy(monkeypatch: pytest.MonkeyPatch, detail: str, layers: int) -> None:
    copies = Copies(monkeypatch)
    model = Frozen(layers)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    counts = []
    with Session(model, optimizer, detail=detail):
        for _ in range(4):
            before = len(copies.sizes)
            optimizer.zero_grad()
            with Reads() as reads:
                model(torch.ones(2, 8)).square().mean().backward()
                assert len(copies.sizes) == before  # none in a hook, nor anywhere else before the step ends
                optimizer.step()
            counts.append((len(copies.sizes) - before, reads.count))
    assert counts == [(1, 0)] * 4
    assert len(copies.sizes) == 5  # the last look at the values


def test_nothing_of_the_program_is_held_while_numbers_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    Copies(monkeypatch)
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Tanh(), torch.nn.Linear(8, 200))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Session(None, None) as session:
        for _ in range(3):
            optimizer.zero_grad()
            loss = model(torch.ones(2, 8)).square().mean()
            loss.backward()
            optimizer.step()
        optimizer.zero_grad()
        loss = model(torch.ones(2, 8)).square().mean()
        loss.backward()
        kept = [weakref.ref(thing) for p in model.parameters() for thing in (p, p.grad)] + [weakref.ref(loss)]
        storages = [StorageWeakRef(p.grad.untyped_storage()) for p in model.parameters()]
        assert len(session.mail._unsent) > 3
        del model, optimizer, loss
        gc.collect()
        assert [ref() for ref in kept if ref() is not None] == []
        assert [storage for storage in storages if not storage.expired()] == []


def train(steps: int = 5, *, written: bool = False, late: int | None = None) -> None:
    torch.manual_seed(0)
    model = Frozen(2)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for step in range(steps):
        optimizer.zero_grad()
        loss = model(torch.randn(4, 8)).square().mean()
        if step == late:
            loss = loss * float("inf")
        loss.backward()
        if written and step == 2:
            model.layers[1].bias.grad.mul_(0.5)
        optimizer.step()
        if written and step == 3:
            with torch.no_grad():
                model.layers[1].weight.mul_(1.5)
                model.layers[0].weight.copy_(torch.ones(8, 8))


def events_of(monkeypatch: pytest.MonkeyPatch, *, lazy: bool, **how: Any) -> list[Any]:
    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "lazy", lazy)
        session = Session(None, None)
        with session:
            train(**how)
    return list(session.trace.events)


@pytest.mark.parametrize("how", [{}, {"written": True}])
def test_events_are_the_same_and_in_the_same_order_when_numbers_come_late(
    monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    at_once, late = (events_of(monkeypatch, lazy=lazy, **how) for lazy in (False, True))
    assert [type(event).__name__ for event in late] == [type(event).__name__ for event in at_once]
    assert late == at_once
    assert sum(type(event).__name__ == "ValueMeasured" for event in late) > 20


@pytest.mark.parametrize("lazy", [False, True], ids=["at once", "late"])
def test_a_row_of_a_large_table_that_moves_between_the_blocks_is_seen_at_the_first_step(
    monkeypatch: pytest.MonkeyPatch, lazy: bool
) -> None:
    monkeypatch.setattr(Mailbox, "lazy", lazy)
    table = torch.nn.Embedding(8_000, 10)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    session = Session(table, optimizer)
    with session:
        for row in (4_001, 4_001, 17):
            optimizer.zero_grad()
            table(torch.tensor([row])).sum().backward()
            optimizer.step()
    moved = [event for event in session.trace.of(ValueMeasured) if event.optimizer is not None]
    assert [event.changed for event in moved] == [True] * 3


def test_a_norm_that_comes_out_as_zero_late_is_looked_at_closely_from_the_next_step_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Mailbox, "lazy", True)
    weight = torch.nn.Parameter(torch.ones(5000))
    optimizer = torch.optim.SGD([weight], lr=1e-3)
    session = Session(None, optimizer)
    with session:
        for _ in range(4):
            optimizer.zero_grad()
            (weight * 1e-30).sum().backward()
            optimizer.step()
    norms = [event.norm for event in session.trace.of(GradMeasured)]
    assert norms[-2:] == pytest.approx([5000**0.5 * 1e-30] * 2)
    assert 0.0 not in norms


def test_a_nan_that_is_seen_late_is_noted_and_then_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailbox, "lazy", True)
    model = torch.nn.Linear(3, 1)
    session = Session(model, None)
    with session:
        for _ in range(3):
            model.zero_grad()
            torch.log(model(torch.ones(2, 3)).abs() - 100).mean().backward()
            session.mail.step_ended()
    report = diagnose(session.trace)
    assert any(note.startswith("where NaN or Inf first began in the forward pass") for note in report.notes)
    culprits = [event.culprits for event in session.trace.of(BackwardEnded)]
    kinds = [{kind for _, kind in found} & {"forward", "data", "parameter"} for found in culprits]
    assert kinds[0] == set()
    assert kinds[-1] == {"forward"}


def test_an_event_that_fails_late_is_told_and_the_others_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mailbox, "lazy", True)
    session = Session(None, None)

    def broken() -> Any:
        yield [torch.ones(1)]
        raise ValueError("mine")

    def good() -> Any:
        (host,) = yield [torch.ones(2)]
        session.emit(Noted(f"{host.tolist()}"))

    with pytest.warns(RuntimeWarning, match="the tracer failed in"), session:
        session.mail.post(broken())
        session.mail.post(good())
        session.emit(Noted("after both"))
    assert session.trace.notes[-2:] == ("[1.0, 1.0]", "after both")
