"""Numbers that leave PyTorch, go through plain Python and come back: followed by the source, and said to be so."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import ParameterReport
from tracer.recording.session import Session

nn = torch.nn
HERE = Path(__file__)


class Pair(nn.Module):
    """``side`` takes part only through the numbers that a program reads out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.side = nn.Linear(3, 1), nn.Linear(3, 1)


def train(loss_of: Callable[[Pair, torch.Tensor], torch.Tensor]) -> ParameterReport:
    torch.manual_seed(0)
    session = Session()
    with session:
        net = Pair()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss_of(net, torch.randn(8, 3)).backward()
            optimizer.step()
    report = diagnose(session.trace)
    assert report["main.weight"].verdict == "updated"
    return report["side.weight"]


def marked(name: str) -> int:
    """Return the line of this file that ends in ``# <name>``."""
    lines = HERE.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"# {name}"))


def in_one_expression(net: Pair, x: torch.Tensor) -> torch.Tensor:
    return net.main(x).pow(2).mean() * (1 + 3 * net.side(x).mean().item())  # one expression


def through_variables(net: Pair, x: torch.Tensor) -> torch.Tensor:
    level = net.side(x).mean().item()  # variables
    scale = math.exp(-level) + 1
    return net.main(x).pow(2).mean() * scale


def _level(net: Pair, x: torch.Tensor) -> float:
    found = [float(v) for v in net.side(x).detach().squeeze(1)]  # helper
    return sum(found) / len(found)


def through_a_helper(net: Pair, x: torch.Tensor) -> torch.Tensor:
    level = _level(net, x)
    return net.main(x).pow(2).mean() * (2 + level)


def _weighted(loss: torch.Tensor, by: float) -> torch.Tensor:
    return loss * (by + 1)


def through_an_argument(net: Pair, x: torch.Tensor) -> torch.Tensor:
    level = net.side(x).mean().item()  # argument
    return _weighted(net.main(x).pow(2).mean(), by=level**2)


class Notes:
    level = 0.0


def through_an_attribute(net: Pair, x: torch.Tensor) -> torch.Tensor:
    Notes.level = net.side(x).mean().item() / 2  # attribute
    return _with_note(net, x)


def _with_note(net: Pair, x: torch.Tensor) -> torch.Tensor:
    return net.main(x).pow(2).mean() * (Notes.level + 2)


def through_a_list(net: Pair, x: torch.Tensor) -> torch.Tensor:
    rows: list[float] = []
    for row in net.side(x):
        number = row.item()  # list
        rows.extend([number + 1])
    return (net.main(x).squeeze(1) - torch.FloatTensor(rows)).pow(2).mean()


def through_numpy(net: Pair, x: torch.Tensor) -> torch.Tensor:
    values = net.side(x).detach().numpy()  # numpy
    return net.main(x).pow(2).mean() + float(np.abs(values).max())


@pytest.mark.parametrize(
    ("program", "line"),
    [
        (in_one_expression, "one expression"),
        (through_variables, "variables"),
        (through_a_helper, "helper"),
        (through_an_argument, "argument"),
        (through_an_attribute, "attribute"),
        (through_a_list, "list"),
        (through_numpy, "numpy"),
    ],
)
def test_the_line_where_the_number_was_read_out_is_named(
    program: Callable[[Pair, torch.Tensor], torch.Tensor], line: str
) -> None:
    row = train(program)
    assert row.verdict == "cut"
    assert row.where[0].line == marked(line)


def test_a_link_that_rests_on_the_source_is_probable_and_an_equal_number_is_certain() -> None:
    def same_number(net: Pair, x: torch.Tensor) -> torch.Tensor:
        level = net.side(x).mean().item()
        return net.main(x).pow(2).mean() * level

    assert train(through_variables).confidence == "probable"
    assert train(same_number).confidence == "certain"


def test_numbers_that_are_only_logged_link_nothing() -> None:
    log: list[float] = []

    def logged(net: Pair, x: torch.Tensor) -> torch.Tensor:
        log.append(net.side(x).mean().item())
        weight = 0.7301
        return net.main(x).pow(2).mean() * weight

    assert train(logged).verdict == "unused"


def test_a_condition_links_nothing() -> None:
    def conditional(net: Pair, x: torch.Tensor) -> torch.Tensor:
        weight = 0.7301
        if net.side(x).mean().item() > 100:
            weight = 0.1
        return net.main(x).pow(2).mean() * weight

    assert train(conditional).verdict == "unused"
