"""On a GPU: nothing waits, numbers are right, and what cannot be seen is said. Skipped where there is none.

Written without a GPU at hand: a failure here may be the test's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from tracer.diagnosis.engine import diagnose
from tracer.events import GradMeasured, StepSkipped, ValueMeasured
from tracer.recording.session import Session

pytestmark = pytest.mark.cuda


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """PyTorch raises where an operation waits for the device."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def network(device: str = "cuda") -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 512), nn.Tanh(), nn.Linear(512, 64), nn.Tanh(), nn.Linear(64, 1)).to(device)


def batch(device: str = "cuda") -> torch.Tensor:
    return torch.linspace(-1, 1, 32 * 64).reshape(32, 64).to(device)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, x: torch.Tensor, steps: int = 3) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(x).square().mean().backward()
        optimizer.step()


def failures(session: Session) -> list[str]:
    return [note for note in session.trace.notes if note.startswith("the tracer failed")]


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
@pytest.mark.parametrize("how", [{}, {"fused": True}, {"capturable": True}, {"foreach": True}])
def test_no_step_waits_for_the_device(detail: str, how: dict[str, bool]) -> None:
    model, x = network(), batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, **how)
    train(model, optimizer, x, 1)
    session = Session(model, optimizer, detail=detail)
    with session:
        train(model, optimizer, x, 1)
        torch.cuda.synchronize()
        with waiting_is_an_error():
            train(model, optimizer, x, 4)
    assert failures(session) == []
    assert {row.verdict for row in diagnose(session.trace)} == {"updated"}


def measured(device: str) -> list[tuple[Any, ...]]:
    model = network(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = Session(model, optimizer)
    with session:
        train(model, optimizer, batch(device))
    grads = [(e.step, e.leaf, e.norm, e.finite) for e in session.trace.of(GradMeasured)]
    values = [(e.step, e.leaf, e.update_norm, e.changed) for e in session.trace.of(ValueMeasured)]
    return [*grads, *values]


def test_numbers_and_their_order_are_those_of_the_cpu() -> None:
    host, device = measured("cpu"), measured("cuda")
    assert [(step, leaf, last) for step, leaf, _, last in device] == [
        (step, leaf, last) for step, leaf, _, last in host
    ]
    assert [n for _, _, n, _ in device] == pytest.approx([n for _, _, n, _ in host], rel=1e-3)


def test_training_has_the_same_bits_with_and_without() -> None:
    results = []
    for traced in (False, True):
        model, x = network(), batch()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        if traced:
            with Session(model, optimizer):
                train(model, optimizer, x)
        else:
            train(model, optimizer, x)
        results.append([p.detach().cpu() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_a_step_that_gradscaler_skips_is_told_and_norms_are_those_of_unscaled_gradients() -> None:
    model, x = network(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cuda", init_scale=2.0**10)
    session = Session(model, optimizer)
    with session:
        for step in range(4):
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.float16):
                loss = model(x).float().square().mean()
            if step == 1:
                loss = loss * float("inf")
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    skipped = list(session.trace.of(StepSkipped))
    assert len(skipped) == 1
    assert len(skipped[0].leaves) == 6
    first = [e.norm for e in session.trace.of(GradMeasured) if e.when == "step" and e.step == 1]
    alone = network()
    alone(x).square().mean().backward()
    assert first == pytest.approx([float(p.grad.norm()) for p in alone.parameters()], rel=0.05)
    assert failures(session) == []


def test_bf16_autocast_is_healthy() -> None:
    model, x = network(), batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    session = Session(model, optimizer)
    with session:
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = model(x).float().square().mean()
            loss.backward()
            optimizer.step()
    report = diagnose(session.trace)
    assert ({row.verdict for row in report}, report.findings) == ({"updated"}, ())


def test_a_cuda_graph_is_captured_undisturbed_and_the_report_says_what_is_not_seen() -> None:
    results = []
    for traced in (False, True):
        model, x = network(), batch()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, capturable=True)
        session = Session(model, optimizer) if traced else None
        if session is not None:
            session.start()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            train(model, optimizer, x, 3)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph):
            model(x).square().mean().backward()
            optimizer.step()
        for _ in range(4):
            graph.replay()
        if session is not None:
            session.stop()
            assert failures(session) == []
            assert any(note.startswith("a CUDA graph was captured") for note in session.trace.notes)
            report = diagnose(session.trace)
            assert {row.severity for row in report} <= {"ok", "info"}
        results.append([p.detach().cpu() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


def test_work_on_several_streams_is_measured_after_it_is_done() -> None:
    def norms(streams: list[torch.cuda.Stream]) -> list[float]:
        left, right, x = network(), network(), batch()
        optimizer = torch.optim.SGD([*left.parameters(), *right.parameters()], lr=0.1)
        session = Session([left, right], optimizer)
        with session:
            for _ in range(3):
                optimizer.zero_grad()
                outputs = []
                for part, stream in zip((left, right), streams, strict=True):
                    stream.wait_stream(torch.cuda.current_stream())
                    with torch.cuda.stream(stream):
                        outputs.append(part(x).square().mean())
                for stream in streams:
                    torch.cuda.current_stream().wait_stream(stream)
                sum(outputs).backward()
                optimizer.step()
        assert failures(session) == []
        return [e.norm for e in session.trace.of(GradMeasured)]

    one = torch.cuda.current_stream()
    assert norms([torch.cuda.Stream(), torch.cuda.Stream()]) == pytest.approx(norms([one, one]), rel=1e-5)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_a_model_on_two_devices_is_measured_on_both() -> None:
    first, second = nn.Linear(64, 64).to("cuda:0"), nn.Linear(64, 1).to("cuda:1")
    optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=0.1)
    session = Session([first, second], optimizer)
    with session:
        for _ in range(3):
            optimizer.zero_grad()
            second(torch.tanh(first(batch("cuda:0"))).to("cuda:1")).square().mean().backward()
            optimizer.step()
    report = diagnose(session.trace)
    assert {row.verdict for row in report} == {"updated"}
    assert [gpu[0] for gpu in session.trace.header.gpus] == ["cuda:0", "cuda:1"]
    assert failures(session) == []


def test_the_report_names_device_and_memory() -> None:
    model, x = network(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    session = Session(model, optimizer)
    with session:
        train(model, optimizer, x)
    header = session.trace.header
    assert header.device == "cuda:0"
    ((device, name, peak),) = header.gpus
    assert (device, name) == ("cuda:0", torch.cuda.get_device_name(0))
    assert peak >= sum(p.numel() * p.element_size() for p in model.parameters())


def test_no_memory_is_kept_on_the_device_after_the_recording() -> None:
    model, x = network(), batch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    train(model, optimizer, x)
    optimizer.zero_grad()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    with Session(model, optimizer):
        train(model, optimizer, x)
        optimizer.zero_grad()
    torch.cuda.synchronize()
    assert torch.cuda.memory_allocated() - before < 1_000_000
