"""Where a result that takes no part in the loss was left out."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import tracer

source = Path(__file__).read_text().splitlines()


def test_a_result_that_is_returned_and_then_left_out_names_the_line_of_the_caller() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.text, self.image, self.head = nn.Linear(3, 4), nn.Linear(3, 4), nn.Linear(4, 1)

        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            text = torch.tanh(self.text(x))
            return text, torch.tanh(self.image(x))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _left, right = self.encode(x)  # received
            return self.head(right)

    net = Two()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(net, optimizer) as recording:
        for _ in range(2):
            optimizer.zero_grad()
            net(torch.ones(2, 3)).sum().backward()
            optimizer.step()
    row = recording.report()["text.weight"]
    lines = [source[where.line - 1].rpartition("# ")[2] for where in row.where if where.role == "return"]
    assert row.verdict == "unused"
    assert lines == ["received"]
