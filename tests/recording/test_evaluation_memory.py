"""An evaluation loop under ``no_grad`` grows no memory: what is kept of it says the same each time."""

from __future__ import annotations

import torch

from tracer.recording.session import Session

nn = torch.nn


def evaluate(net: nn.Module, batches: int) -> float:
    total = 0.0
    with torch.no_grad():
        for _ in range(batches):
            out = net(torch.randn(4, 3))
            total += out.mean().item()
            total += sum(out.squeeze(1).tolist()) + float(out.numpy().max()) + (out > 0).sum().item()
    return total


def test_what_is_kept_of_an_evaluation_is_one_record_per_line() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    session = Session()
    with session:
        evaluate(net, 40)
        side = session.cut_side
        kept = {id(record) for record, _ in side.dark.extracted}
        kept |= {id(record) for record in side.dark.numbers.values()}
        kept |= {id(record) for _, record in side.dark._objects.values()}
        assert len(kept) <= 8
        assert len(side.recognition.readings) <= 4
        assert (len(session.events), len(side.joins.lit), len(side.far.edges)) == (0, 0, 0)
        assert len(side.dark._by_id) <= 4


def test_numbers_and_readings_are_bounded_over_many_batches() -> None:
    net = nn.Linear(3, 1)
    session = Session()
    with session:
        evaluate(net, 1800)
        dark = session.cut_side.dark
        full = (len(dark.numbers), len(dark._objects), len(dark.extracted))
        evaluate(net, 200)
        assert (len(dark.numbers), len(dark._objects), len(dark.extracted)) == full == (8192, 8192, 4096)
        assert (len(session.events), len(session.inplace), len(session.origins.made)) == (0, 0, 0)


def test_a_training_step_without_a_cut_keeps_no_dark_record() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    session = Session()
    with session:
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(4, 3)).pow(2).mean().backward()
            optimizer.step()
        assert not session.cut_side.busy
        assert not session.cut_side.joins.lit
        assert not session.cut_side.far.edges
