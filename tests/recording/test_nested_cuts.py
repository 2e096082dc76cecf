"""A parameter behind several cuts: all are listed, the nearest to the loss first."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import tracer
from tracer.diagnosis.findings import Report

HERE = Path(__file__).read_text().splitlines()


class Net(nn.Module):
    def __init__(self, around: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.third, self.around = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 1), around

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.first(x).detach()  # inner
        scores = self.second(hidden)
        chosen = scores.data  # outer
        return self.third(chosen + scores if self.around else chosen)


def report_of(net: Net) -> Report:
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.randn(4, 3)).pow(2).mean().backward()
            optimizer.step()
    return recording.report()


def cuts(report: Report, name: str) -> list[str]:
    return [HERE[where.line - 1].rpartition("# ")[2] for where in report[name].where if where.role == "cut"]


def test_both_cuts_are_listed_and_the_one_near_the_loss_comes_first() -> None:
    report = report_of(Net())
    assert cuts(report, "first.weight") == ["outer", "inner"]
    assert cuts(report, "second.weight") == ["outer"]
    assert report["first.weight"].verdict == "cut"
    assert "1 more cut lies behind or beside it" in report["first.weight"].message


def test_a_cut_beside_a_path_that_stays_open_is_not_in_the_way() -> None:
    report = report_of(Net(around=True))
    assert cuts(report, "first.weight") == ["inner"]
    assert report["second.weight"].verdict == "updated"


def test_number_read_out_and_scaled_in_the_sum_is_a_term_without_a_graph() -> None:
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            error = net(torch.randn(8, 3)).pow(2).mean()
            size = net.weight.abs().sum()
            (error + 0.1 * size.item()).backward()
            optimizer.step()
    report = recording.report()
    assert {row.verdict for row in report} == {"updated"}
    assert [(f.name, report.names_of(f)) for f in report.findings] == [("dead_term", ("weight",))]
