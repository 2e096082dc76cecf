"""A write through ``.data`` or ``.detach()`` is a write into the tensor behind it, without history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from tracer.api import record  # noqa: E402


def through_data(kept: torch.Tensor, out: torch.Tensor) -> None:
    kept.data[:, 0] = out


def through_detach(kept: torch.Tensor, out: torch.Tensor) -> None:
    kept.detach()[:, 0].add_(out)


def through_plain_numbers(kept: torch.Tensor, out: torch.Tensor) -> None:
    kept.data[:, 0] = out.detach()


def straight(kept: torch.Tensor, out: torch.Tensor) -> None:
    kept[:, 0] = out


def verdict_of(write: Callable[[torch.Tensor, torch.Tensor], None]) -> tuple[str, list[int]]:
    torch.manual_seed(0)
    first, level = torch.nn.Linear(3, 1), torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([*first.parameters(), level], lr=0.1)
    with record({"first": first}, optimizer) as recording:
        for _ in range(2):
            kept = torch.zeros(4, 2)
            write(kept, first(torch.randn(4, 3))[:, 0])
            optimizer.zero_grad()
            (kept + level).pow(2).mean().backward()
            optimizer.step()
    row = recording.report()["weight"]
    return row.verdict, [w.line for w in row.where if w.role == "cut"]


@pytest.mark.parametrize("write", [through_data, through_detach, through_plain_numbers])
def test_the_line_of_the_write_is_the_cut(write: Callable[[torch.Tensor, torch.Tensor], None]) -> None:
    verdict, lines = verdict_of(write)
    assert verdict == "cut"
    assert write.__code__.co_firstlineno + 1 in lines


def test_a_write_without_a_detour_keeps_its_history() -> None:
    assert verdict_of(straight) == ("updated", [])
