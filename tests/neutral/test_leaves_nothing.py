"""After a recording, however it ended, the process is as it was, and nothing of the user's is kept alive."""

from __future__ import annotations

import gc
import os
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

import tracer
from tests.neutral.programs import PROGRAMS
from tests.neutral.surroundings import surroundings
from tracer.recording.grads import Grads


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    step()  # what PyTorch loads at first use is not ours
    before = surroundings()
    yield
    after = surroundings()
    assert [label for label in {**before, **after} if before.get(label) != after.get(label)] == []


def step(net: nn.Module | None = None, optimizer: Any = None) -> torch.Tensor:
    net = nn.Linear(3, 2) if net is None else net
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1) if optimizer is None else optimizer
    optimizer.zero_grad()
    loss: torch.Tensor = net(torch.ones(4, 3)).square().mean()
    loss.backward()
    optimizer.step()
    return loss


# --------------------------------------------------------------------------- ways to end


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_any_exception_leaves_nothing(kind: type[BaseException]) -> None:
    with pytest.raises(kind) as caught, tracer.record():
        step()
        raise kind("mine")
    assert str(caught.value) == "mine"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_an_exception_inside_forward_backward_and_step_leaves_nothing(kind: type[BaseException]) -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))

    def fail(*_: Any) -> None:
        raise kind("mine")

    for register in (
        net[1].register_forward_hook,
        net[0].weight.register_hook,
        net[0].weight.register_post_accumulate_grad_hook,
        torch.optim.SGD(net.parameters(), lr=0.1).register_step_pre_hook,
    ):
        handle = register(fail)
        optimizer = register.__self__ if isinstance(register.__self__, torch.optim.SGD) else None
        with pytest.raises(kind, match="mine"), tracer.record() as recording:
            step(net, optimizer)
        handle.remove()
        assert recording.report().header.finished
    assert hooks_on(net) == 0


def test_a_failing_hook_of_ours_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("tracer's own")

    with monkeypatch.context() as patch:
        patch.setattr(Grads, "accumulated", fail)
        patch.setattr(Grads, "measure_pending", fail)
        with pytest.warns(RuntimeWarning, match="the tracer failed in"), tracer.record():
            step()


def test_an_interrupt_while_the_recording_ends_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Grads, "measure_pending", interrupt)
        with pytest.raises(KeyboardInterrupt), tracer.record():
            pass


def test_an_interrupt_while_the_recording_starts_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.recording.session import Session

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Session, "_register_given", interrupt)
        with pytest.raises(KeyboardInterrupt), tracer.record():
            pass


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_every_way_to_use_autograd_leaves_nothing(name: str) -> None:
    if name == "compiled_model" or (name == "scripted_and_traced_models" and torch.__version__ < "2.7"):
        pytest.skip("dynamo itself changes names in torch at its first use")
    PROGRAMS[name]()
    before = surroundings()
    with tracer.record(detail="full"):
        PROGRAMS[name]()
    assert surroundings() == before


def hooks_on(net: nn.Module) -> int:
    tables = [p._post_accumulate_grad_hooks for p in net.parameters()] + [p._backward_hooks for p in net.parameters()]
    own = [m._forward_hooks for m in net.modules()] + [m._forward_pre_hooks for m in net.modules()]
    return sum(len(table) for table in [*tables, *own] if table)


def test_no_hook_stays_on_a_model() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    out: list[torch.Tensor] = []
    with tracer.record(net, optimizer, detail="full"):
        step(net, optimizer)
        out.append(net(torch.ones(4, 3)))
        out[0].register_hook(lambda grad: None)
    assert hooks_on(net) == 0
    assert len(out[0]._backward_hooks) == 1
    assert vars(optimizer).keys() == vars(torch.optim.SGD(net.parameters(), lr=0.1)).keys()


# --------------------------------------------------------------------------- several recordings


def test_one_recording_inside_another_sees_its_own_part_and_the_outer_the_whole() -> None:
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record() as outer:
        step(net, optimizer)
        with tracer.record() as inner:
            step(net, optimizer)
        step(net, optimizer)
    assert (outer.report().header.steps, inner.report().header.steps) == (3, 1)
    assert {row.verdict for row in outer.report()} == {row.verdict for row in inner.report()} == {"updated"}
    assert outer.report().notes == inner.report().notes == ()


def test_recordings_that_overlap_may_end_in_any_order() -> None:
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    first, second, third = tracer.record(), tracer.record(), tracer.record()
    first.__enter__()
    second.__enter__()
    step(net, optimizer)
    first.__exit__(None, None, None)
    third.__enter__()
    step(net, optimizer)
    second.__exit__(None, None, None)
    step(net, optimizer)
    third.__exit__(None, None, None)
    assert [each.report().header.steps for each in (first, second, third)] == [1, 2, 2]


def test_entering_a_running_recording_again_is_a_usage_error() -> None:
    recording = tracer.record()
    with recording, pytest.raises(tracer.UsageError, match=r"this recording is already running\. Leave it"):
        recording.__enter__()


def test_what_the_user_patches_meanwhile_stays() -> None:
    original = torch.from_numpy
    try:
        with tracer.record():
            mine: Any = lambda array: torch.zeros(1)  # noqa: E731
            torch.from_numpy = mine
        assert torch.from_numpy is mine
    finally:
        torch.from_numpy = original


def test_recordings_in_several_threads_do_not_disturb_each_other() -> None:
    steps: dict[int, int] = {}

    def work(number: int) -> None:
        net = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        with tracer.record(net, optimizer) as recording:
            for _ in range(number + 1):
                step(net, optimizer)
        steps[number] = recording.report().header.steps

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert steps == {0: 1, 1: 2, 2: 3, 3: 4}


def test_a_recording_that_another_thread_closes_is_over() -> None:
    recording = tracer.record()

    def close() -> None:
        recording.__exit__(None, None, None)

    with torch.overrides.BaseTorchFunctionMode():  # keeps the stack of this thread from being empty
        recording.__enter__()
        step()
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        events = len(recording.trace.events)
        step()
        assert len(recording.trace.events) == events
        torch.overrides._pop_mode()  # ours: only the thread that entered it can take it off


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_computes_and_records_nothing() -> None:
    with tracer.record() as recording:
        step()
        events = len(recording._session.events)
        child = os.fork()
        if not child:
            step()
            same = len(recording._session.events) == events and recording._session.mode.quiet
            os._exit(0 if same else 1)
        _, status = os.waitpid(child, 0)
        step()
    assert os.waitstatus_to_exitcode(status) == 0
    assert recording.report().header.backwards == 2


class Squares(torch.utils.data.Dataset[torch.Tensor]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((3,), float(index)) ** 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_loader_with_forked_workers_works_while_traced() -> None:
    with tracer.record():
        loader = torch.utils.data.DataLoader(Squares(), batch_size=2, num_workers=2, multiprocessing_context="fork")
        batches = [batch.sum().item() for batch in loader]
    assert batches == [3.0, 39.0]


# --------------------------------------------------------------------------- memory


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
def test_models_and_tensors_are_collected_while_the_recording_is_kept(detail: str) -> None:
    kept: list[weakref.ref[Any]] = []
    with tracer.record(detail=detail) as recording:
        net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.1), nn.Linear(3, 1))
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(3):
            x = torch.ones(2, 3)
            dark = net(x).detach().numpy().mean()
            loss = net(x).square().mean() * float(dark)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        kept += map(weakref.ref, [net, net[0], net[0].weight, optimizer, x, loss])
        del net, optimizer, x, loss, dark
        gc.collect()
        assert [ref() for ref in kept] == [None] * 6
    assert recording.report().header.steps == 3


def test_a_tensor_lives_no_longer_than_without_tracing() -> None:
    """Without the collector: nothing of ours puts a tensor into a cycle or keeps it until a later call."""
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(net, optimizer, detail="full"):
        step(net, optimizer)
        gc.collect()
        gc.disable()
        try:
            x = torch.ones(4, 3)
            hidden = net(x)
            loss = hidden.square().mean() + hidden.detach().sum()
            loss.backward()
            refs = [weakref.ref(t) for t in (x, hidden, loss)]
            optimizer.step()
            del x, hidden, loss
            assert [ref() for ref in refs] == [None, None, None]
        finally:
            gc.enable()


def grown(run: Callable[[], Any], times: int) -> int:
    """Return by how many bytes Python's memory grew over ``times`` runs."""
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(times):
            run()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_recordings_do_not_pile_up_in_memory() -> None:
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def once() -> None:
        with tracer.record(net, optimizer, detail="full"):
            step(net, optimizer)

    once()
    # Python's own caches fill up over the first runs; what leaks would grow with their number.
    few, many = grown(once, 60), grown(once, 240)
    # A recording that stayed would be some 50 kB.
    assert many - few < 180 * 200
