"""The numbers of small parameters: all of the first steps, and of a long run where they ended."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

import tracer
from tracer.events import GradMeasured, ValueMeasured


def small_net(layers: int) -> nn.Sequential:
    return nn.Sequential(*(part for _ in range(layers) for part in (nn.Linear(4, 4), nn.Tanh())))


def recorded(steps: int, layers: int, clip: bool = False) -> tuple[tracer.Recording, nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    net = small_net(layers)
    before = net[0].bias.detach().clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with tracer.record(net, optimizer) as recording:
        for _ in range(steps):
            optimizer.zero_grad()
            net(torch.randn(8, 4)).pow(2).mean().backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
    return recording, net, before


def test_a_report_of_a_long_run_shows_where_numbers_began_and_where_they_ended() -> None:
    recording, net, before = recorded(180, 20)
    value, grad = recording.report()["0.bias"].value, recording.report()["0.bias"].grad
    assert torch.equal(torch.tensor(value.before), before)
    assert torch.equal(torch.tensor(value.after), net[0].bias.detach())
    assert torch.equal(torch.tensor(grad.values), net[0].bias.grad)


def test_numbers_in_between_are_not_kept_and_norms_are() -> None:
    recording, _, _ = recorded(180, 20)
    grads = [event for event in recording.trace.of(GradMeasured) if event.leaf == 0]
    values = [event for event in recording.trace.of(ValueMeasured) if event.leaf == 0]
    assert (len(grads), len(values)) == (180, 180)
    assert all(event.values is not None for event in grads[:50])
    assert all(event.values is None for event in grads[50:90])
    assert all(event.before is None and event.after is None for event in values[50:90])
    assert all(event.norm is not None for event in grads)
    assert grads[-1].values is not None


def test_what_is_measured_no_more_keeps_its_last_numbers() -> None:
    torch.manual_seed(0)
    net, late = small_net(1), small_net(20)
    began = late[0].bias.detach().clone()
    first, second = (torch.optim.SGD(module.parameters(), lr=0.1) for module in (net, late))
    with tracer.record({"net": net, "late": late}, [first, second]) as recording:
        for optimizer, module, steps in ((first, net, 60), (second, late, 130)):
            for _ in range(steps):
                optimizer.zero_grad()
                module(torch.randn(8, 4)).pow(2).mean().backward()
                optimizer.step()
    row = next(row for row in recording.report().parameters if (row.model, row.name) == ("net", "0.bias"))
    assert torch.equal(torch.tensor(row.value.after), net[0].bias.detach())
    assert torch.equal(torch.tensor(row.grad.values), net[0].bias.grad)
    row = next(row for row in recording.report().parameters if (row.model, row.name) == ("late", "0.bias"))
    assert torch.equal(torch.tensor(row.value.before), began)


def test_a_thousand_steps_of_small_parameters_are_a_small_file(tmp_path: Path) -> None:
    """For 1,000 steps of 150 parameters to stay below 20 MB, a step of 40 may take 5,300 bytes."""
    short, _, _ = recorded(60, 20)
    long, _, _ = recorded(180, 20)
    sizes = [one.save(tmp_path / "trace.jsonl.gz").stat().st_size for one in (short, long)]
    assert (sizes[1] - sizes[0]) / 120 < 5_300
