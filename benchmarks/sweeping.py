"""Trains a program twice, under an observer that knows nothing of the tracer and under the tracer, and compares.

Both runs begin with the same seed. For every parameter the report must say what plain PyTorch says: whether it
requires grad, how many gradients accumulated, whether a bit of it changed, and which optimizers own it.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import tracer
from tests.facts.comparing import compare
from tests.facts.observer import Observer
from tests.facts.spelling import spell
from tracer.drawing.picture import dot_text
from tracer.reports.json import document

LOUD = ("warning", "error")


@dataclass(frozen=True)
class Training:
    """A model with its optimizer, and one step of it."""

    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    step: Callable[[], Any]


@dataclass(frozen=True)
class Program:
    """What one row of a sweep trains: ``begin`` builds all of it anew."""

    name: str
    family: str
    begin: Callable[[], Training]


@dataclass(frozen=True)
class Row:
    """What the sweep found for one program."""

    name: str
    family: str
    verdicts: Counter[str]
    wrong: tuple[str, ...] = ()  #: facts that differ from plain PyTorch's
    false: tuple[str, ...] = ()  #: findings at warning or above on parameters that train, as ``TR203 layer.weight``
    compared: int = 0
    nodes: int = 0
    drawn: int = 0  #: characters of DOT
    seconds: float = 0.0
    error: str = ""


def sweep(program: Program, steps: int = 3) -> Row:
    """Train a program both ways and compare."""
    began = time.perf_counter()
    torch.manual_seed(0)
    training = program.begin()
    with Observer() as observer:  # after the weights have got their first values
        observer.add_optimizer(training.optimizer)
        for _ in range(steps):
            training.step()
    facts = observer.facts()
    del training, observer
    gc.collect()
    torch.manual_seed(0)
    training = program.begin()
    with tracer.record(training.model, training.optimizer) as recording:
        for _ in range(steps):
            training.step()
    report = recording.report()
    outcome = compare(document(report)["parameters"], facts)
    # what the comparison leaves out must not pass in silence
    lost = tuple(f"{count} not compared: {reason}" for reason, count in outcome.left_out.items())
    trains = {spell(name) for fact in facts if fact.fed and fact.changed for name in fact.names}
    loud = [(f.code, name) for f in report.findings if f.severity in LOUD for name in report.names_of(f)]
    return Row(
        program.name, program.family, Counter(row.verdict for row in report), (*outcome.wrong, *lost),
        tuple(f"{code} {name}" for code, name in loud if spell(name) in trains),
        outcome.compared, report.graph["nodes"], len(dot_text(recording.trace, report)), time.perf_counter() - began,
    )  # fmt: skip
