"""Values that are saved and loaded again keep no history: both lines are told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tracer

source = Path(__file__).read_text().splitlines()


def train(carry, *, once: bool) -> tracer.Report:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    encoder, head = nn.Linear(3, 4), nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    x, back = torch.randn(8, 3), None
    with tracer.record({"encoder": encoder, "head": head}, optimizer) as recording:
        for _ in range(3):
            if back is None or not once:
                back = carry(encoder(x))
            optimizer.zero_grad()
            head(torch.tanh(back())).pow(2).mean().backward()
            optimizer.step()
    return recording.report()


def saved(h: torch.Tensor):  # type: ignore[no-untyped-def]
    file = io.BytesIO()
    torch.save({"h": [h]}, file)  # out

    def back() -> torch.Tensor:
        file.seek(0)
        return torch.load(file)["h"][0]  # in

    return back


def saved_by_numpy(h: torch.Tensor):  # type: ignore[no-untyped-def]
    file = io.BytesIO()
    np.save(file, h.detach().numpy())  # out

    def back() -> torch.Tensor:
        file.seek(0)
        return torch.from_numpy(np.load(file))

    return back


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("carry", [saved, saved_by_numpy])
def test_result_that_goes_through_a_file_is_cut_where_it_was_saved(carry, once: bool) -> None:  # type: ignore[no-untyped-def]
    report = train(carry, once=once)
    row = report["encoder.weight"]
    assert row.verdict == "cut"
    assert "out" in {source[where.line - 1].rpartition("# ")[2] for where in row.where}
    assert report["head.weight"].verdict == "updated"


def test_checkpoint_that_is_saved_and_read_for_its_loss_cuts_nothing() -> None:
    torch.manual_seed(0)
    net, file = nn.Linear(3, 1), io.BytesIO()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(net, optimizer) as recording:
        for _ in range(3):
            optimizer.zero_grad()
            loss = net(torch.randn(8, 3)).pow(2).mean()
            loss.backward()
            optimizer.step()
            torch.save({"net": net.state_dict(), "loss": loss}, file)
            file.seek(0)
            assert torch.load(file)["loss"].detach() > 0
            file.seek(0)
    assert recording.report().findings == ()
