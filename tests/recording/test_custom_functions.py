"""Custom ``autograd.Function``s: the line that applies one, and the lines that write its gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Report
from tracer.recording.session import Session

nn = torch.nn
HERE = Path(__file__)


def marked(name: str) -> int:
    lines = HERE.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"# {name}"))


class Keep(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, by: torch.Tensor) -> torch.Tensor:
        return x * by

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:  # keep: backward
        return grad, None  # keep: return


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        out = x.round()
        ctx.mark_non_differentiable(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return grad


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
        return 2 * x + more

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        return 2 * grad, None


class Net(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 1)
        self.by = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.first(x)
        if self.way == "none":
            h = Keep.apply(h, self.by)  # keep: apply
        elif self.way == "marked":
            h = Rounded.apply(h * 4) * self.by  # rounded: apply
        else:
            h = Twice.apply(h * self.by, h.detach())  # twice: detach
        return self.last(h)


def train(way: str) -> Report:
    torch.manual_seed(0)
    session = Session()
    with session:
        net = Net(way)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.randn(8, 3)).pow(2).mean().backward()
            optimizer.step()
    return diagnose(session.trace)


def test_none_from_backward_names_apply_return_and_backward() -> None:
    row = train("none")["by"]
    assert row.verdict == "none_from_backward"
    lines = [w.line for w in row.where]
    assert lines[:3] == [marked("keep: apply"), marked("keep: return"), marked("keep: backward")]


def test_a_result_marked_not_differentiable_is_told_at_apply() -> None:
    report = train("marked")
    row = report["first.weight"]
    assert row.verdict == "non_differentiable"
    assert (row.where[0].line, row.where[0].op) == (marked("rounded: apply"), "Rounded")
    assert report["by"].verdict == "updated"


def test_a_dark_argument_of_a_function_is_no_alarm_where_other_paths_train() -> None:
    report = train("twice")
    assert {p.verdict for p in report} == {"updated"}


def test_checkpoints_in_a_row_without_a_gradient_are_all_named() -> None:
    session = Session()
    with session:
        blocks, head = nn.ModuleList(nn.Linear(3, 3) for _ in range(3)), nn.Linear(3, 1)
        optimizer = torch.optim.SGD([*blocks.parameters(), *head.parameters()], lr=0.1)
        for _ in range(2):
            h = torch.randn(8, 3)
            for block in blocks:
                h = checkpoint(block, h, use_reentrant=True)
            optimizer.zero_grad()
            head(h).pow(2).mean().backward()
            optimizer.step()
    report = diagnose(session.trace)
    assert [p.verdict for p in report if p.model == "blocks"] == ["cut"] * 6
    assert [p.verdict for p in report if p.model == "head"] == ["updated"] * 2


def test_apply_is_put_back() -> None:
    before = vars(torch.autograd.Function)["apply"]
    with Session():
        assert vars(torch.autograd.Function)["apply"] is not before
    assert vars(torch.autograd.Function)["apply"] is before
