"""A value that stays although a step had a gradient: rounded away, or passed over by the optimizer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import tracer


class MatricesOnly(torch.optim.Optimizer):
    """Descends, but leaves out whatever has one dimension: its bug."""

    def __init__(self, params: Any, lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim >= 2:
                    p.sub_(p.grad, alpha=group["lr"])


def trained(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 2) -> Any:
    with tracer.record(net, optimizer) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            net(torch.ones(4, 3, dtype=next(net.parameters()).dtype)).pow(2).mean().backward()
            optimizer.step()
    return recording.report()


def test_a_parameter_that_its_optimizer_passes_over_is_not_called_rounded() -> None:
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    report = trained(net, MatricesOnly(net.parameters(), lr=0.1))
    assert report["weight"].verdict == "updated"
    assert (report["bias"].verdict, report["bias"].confidence) == ("no_step", "probable")
    assert "the optimizer passed it over" in report["bias"].message


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop])
def test_an_update_below_the_resolution_of_bfloat16_is_underflow(optimizer: Any) -> None:
    torch.manual_seed(0)
    net = nn.Linear(3, 1, dtype=torch.bfloat16)
    nn.init.constant_(net.weight, 4.0)
    nn.init.constant_(net.bias, 4.0)
    report = trained(net, optimizer(net.parameters(), lr=1e-6))
    assert {row.verdict for row in report} == {"underflow"}
