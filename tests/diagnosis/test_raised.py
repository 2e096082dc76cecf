"""A program that raises: the report says where, and the line that made it so."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

import tracer  # noqa: E402
from tracer.diagnosis.findings import Report  # noqa: E402
from tracer.reports.words import answer  # noqa: E402

nn = torch.nn


class Run:
    """A network whose step is called under the tracer, until it raises."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def report(self, program: Callable[[Run], None]) -> Report:
        recording = tracer.record(self.net, self.optimizer)
        with pytest.raises((RuntimeError, KeyError)), recording:
            program(self)
        return recording.report()


def twice(run: Run) -> None:
    hidden = run.net(torch.ones(2, 3))
    hidden.mean().backward()  # frees the graph
    run.optimizer.step()
    hidden.pow(2).mean().backward()  # needs it


def stepped_between(run: Run) -> None:
    torch.zeros(3, 1).fill_(1.0)  # of the shape that PyTorch complains of, but earlier
    first, second = run.net(torch.ones(2, 3)).mean(), run.net(torch.ones(2, 3)).pow(2).mean()
    first.backward()
    run.optimizer.step()  # changes what the second needs
    second.backward()  # needs it


def written(run: Run) -> None:
    out = run.net(torch.ones(2, 3)).exp()
    out.mul_(2.0)  # changes what exp needs
    out.mean().backward()  # needs it


def key_missing(run: Run) -> None:
    run.net(torch.ones(2, 3)).mean().backward()
    run.optimizer.step()
    {}["loss"]  # needs it


def line_of(text: str, program: Callable[[Run], None]) -> str:
    lines, first = inspect.getsourcelines(program)
    return f"tests/diagnosis/test_raised.py:{next(i for i, line in enumerate(lines, first) if text in line)}"


@pytest.mark.parametrize(
    ("program", "text", "because", "reason"),
    [
        (twice, "Trying to backward through the graph a second time", "# frees the graph", "The backward on that line"),
        (
            stepped_between,
            "one of the variables needed for gradient",
            "# changes what",
            "The step on that line changed",
        ),
        (written, "one of the variables needed for gradient", "# changes what exp", "Mul_ on that line changed"),
        (key_missing, "'loss'.", "", ""),
    ],
)
def test_what_was_raised_is_told_with_the_line_that_made_it_so(
    program: Callable[[Run], None], text: str, because: str, reason: str
) -> None:
    report = Run().report(program)
    (told,) = report.raised
    kind = "KeyError" if program is key_missing else "RuntimeError"
    assert told.startswith(f"{kind} was raised at {line_of('# needs it', program)}: {text}")
    assert (reason in told) and (not because or told.endswith(f": {line_of(because, program)}."))
    assert report.notes[0] == told


def test_the_answer_does_not_say_that_all_is_well_and_stop() -> None:
    report = Run().report(twice)
    assert answer(report) == (
        f"RuntimeError was raised at {line_of('# needs it', twice)}; apart from that all is well: "
        "4 of 4 parameters updated."
    )
