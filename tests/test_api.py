"""The Python interface: lazy names, checked arguments, and results of a recorded step."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import tracer

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def test_import_loads_nothing_heavy(python: Shell) -> None:
    heavy = "('torch', 'networkx', 'jinja2', 'graphviz', 'rich', 'numpy', 'click')"
    result = python("-c", f"import sys, tracer; tracer.load; print([m for m in {heavy} if m in sys.modules])")
    assert result.stdout == "[]\n", result.stderr


def test_every_public_name_is_there() -> None:
    for name in tracer.__all__:
        assert getattr(tracer, name) is not None
        assert name in dir(tracer)
    with pytest.raises(AttributeError, match="module 'tracer' has no attribute 'tracee'"):
        tracer.tracee  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"model": 3}, "model is a int. Give an nn.Module, a dict or list of them, or None."),
        ({"model": []}, "model is an empty list. Give an nn.Module, a dict or list of them, or None."),
        ({"model": {"a": "net"}}, "model is a str in a dict."),
        ({"optimizer": [1.0]}, "optimizer is a float in a list. Give a torch.optim.Optimizer,"),
        ({"detail": "all"}, "detail is 'all'. It may be 'graph', 'flow', 'full'."),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(given: dict[str, object], message: str) -> None:
    with pytest.raises(tracer.UsageError) as caught:
        tracer.record(**given)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)


@pytest.fixture
def recording() -> tracer.Recording:
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1))
    optimizer = torch.optim.SGD(net[0].parameters(), lr=0.1)
    with tracer.record(net, optimizer) as recording:
        net(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    return recording


def test_a_recorded_step_has_a_verdict_for_each_parameter(recording: tracer.Recording) -> None:
    report = recording.report()
    assert {row.name: row.verdict for row in report} == {
        "0.weight": "updated",
        "0.bias": "updated",
        "1.weight": "not_in_optimizer",
        "1.bias": "not_in_optimizer",
    }
    assert recording.report() is report


def test_a_saved_recording_gives_the_same_report(tmp_path: Path, recording: tracer.Recording) -> None:
    trace = tracer.load(recording.save(tmp_path / "run.jsonl.gz"))
    assert repr(trace) == repr(recording.trace)
    assert repr(tracer.diagnose(trace)) == repr(recording.report())


def test_graph_and_picture_come_from_the_recording(tmp_path: Path, recording: tracer.Recording) -> None:
    assert recording.graph().number_of_nodes() > 4
    path = recording.draw(tmp_path / "graph.dot")
    assert "1.weight" in path.read_text()


def test_an_error_inside_passes_and_the_recording_is_complete() -> None:
    net = torch.nn.Linear(2, 1)
    recording = tracer.record(net)
    with pytest.raises(KeyError, match="mine"), recording:
        net(torch.ones(1, 2)).sum().backward()
        raise KeyError("mine")
    assert {row.grad.accumulated for row in recording.report()} == {1}


def test_a_recording_shows_itself_in_a_notebook(recording: tracer.Recording) -> None:
    bundle = recording._repr_mimebundle_()
    assert "1.weight" in bundle["text/html"]
    assert "1.weight" in bundle["text/plain"]
