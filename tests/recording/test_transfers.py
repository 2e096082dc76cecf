"""Reading numbers out of the device is rare: it does not grow with the model, and no hook does it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tracer.recording import snapshots
from tracer.recording.session import Session


class Reads(TorchDispatchMode):
    """Counts reads of one number out of a tensor, which wait for the device on a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            self.count += 1
        return func(*args, **(kwargs or {}))


def reads_of_a_step(layers: int, *, traced: bool, detail: str = "flow") -> int:
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
        return reads.count
    with Session(model, optimizer, detail=detail):
        step()
        with Reads() as reads:
            step()
    return reads.count


@pytest.mark.parametrize("detail", ["graph", "flow", "full"])
def test_reads_per_step_do_not_grow_with_the_model(detail: str) -> None:
    assert reads_of_a_step(2, traced=False) == 0
    assert reads_of_a_step(2, traced=True, detail=detail) == reads_of_a_step(20, traced=True, detail=detail) <= 2


def test_values_of_all_parameters_come_over_together(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    read = snapshots._read

    def counted(parts: Any) -> Any:
        calls.append(sum(len(members) for members in parts.values()))
        return read(parts)

    model = torch.nn.Sequential(*(torch.nn.Linear(16, 16) for _ in range(10)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Session(model, optimizer):
        for turn in range(2):
            if turn:
                monkeypatch.setattr(snapshots, "_read", counted)
            optimizer.zero_grad()
            model(torch.ones(2, 16)).square().mean().backward()
            optimizer.step()
        monkeypatch.undo()
    assert calls == [10, 20, 20]  # the ten small gradients, all values before the step, all values after it
