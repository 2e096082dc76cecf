"""Traces built from events, for reports: a deep healthy model, the same with a cut, and one with hostile names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracer.events import (
    BackwardEnded,
    BackwardStarted,
    CutFound,
    Event,
    GradAccumulated,
    GradMeasured,
    GraphSeen,
    Group,
    GroupsSeen,
    LeafSeen,
    ModelSeen,
    ModuleSeen,
    Node,
    OptimizerSeen,
    OptimizerStepped,
    PlaceSeen,
    ValueMeasured,
)
from tracer.traces import Header, Trace

Build = Callable[..., Trace]


def chain(
    layers: int = 6,
    *,
    cut: int = 0,
    steps: int = 2,
    name: str = "encoder.layers",
    file: str = "train.py",
    optimizer: str = "optimizer",
) -> Trace:
    """A chain of weights, one module each, trained for some steps.

    The first ``cut`` layers lie behind a detach. Gradient norm of layer i in step s: s / (i + 1); update norm
    a tenth of it, of a value of norm 2.
    """
    names = [f"{name}.{i}.weight" for i in range(layers)]
    held = range(cut, layers)
    nodes = [Node(f"MmBackward{i}", i + 1, 1, "mm") for i in reversed(held)]
    leaves = [Node("AccumulateGrad", leaf=i) for i in reversed(held)]
    edges = [(i, i + 1, 0) for i in range(len(nodes) - 1)] + [(i, len(nodes) + i, 1) for i in range(len(nodes))]
    return Trace(
        Header(torch="2.13.0", python="3.11", steps=steps, backwards=steps, program=file),
        (
            PlaceSeen(0, file, 9, "<module>", ("    loss = net(x)", "    loss.backward()", "    step()"), 8),
            PlaceSeen(1, file, 3, "forward", ("for layer in layers:", "    x = layer(x)", "return x"), 2),
            PlaceSeen(2, file, 5, "forward", ("    y = x", "    x = y.detach()"), 4),
            ModelSeen(0, "net", "Net"),
            ModuleSeen(0, 0, "", "Net", calls=1),
            *(ModuleSeen(i + 1, 0, names[i].rpartition(".")[0], "Linear", calls=1) for i in range(layers)),
            *(_leaf(i, names[i]) for i in range(layers)),
            OptimizerSeen(0, optimizer, "SGD"),
            GroupsSeen(1, 0, (Group(tuple(range(layers)), 0.1, 0.0, 0.0),)),
            GraphSeen(0, "f", (*nodes, *leaves), tuple(edges)),
            *(event for step in range(1, steps + 1) for event in _step(step, layers, cut)),
        ),
    )  # fmt: skip


def _leaf(leaf: int, name: str) -> LeafSeen:
    return LeafSeen(leaf, 0, name, (), (8, 8), "float32", "cpu", True, "parameter", module=leaf + 1)


def _step(step: int, layers: int, cut: int) -> list[Event]:
    held = range(cut, layers)
    return [
        BackwardStarted(step, step, "backward", 0, (0,), place=0, root_value=1.5),
        *(CutFound(step, step, i, "detach", "detach", 2, reentry=1) for i in range(cut)),
        *(GradAccumulated(step, step, i) for i in held),
        BackwardEnded(step, step, norms=tuple(float(max(1, len(held) - i)) for i in range(2 * len(held)))),
        OptimizerStepped(step, 0, place=0),
        *(GradMeasured(step, i, "step", step / (i + 1), 0.0, True, optimizer=0) for i in held),
        *(GradMeasured(step, i, "step", None, optimizer=0) for i in range(cut)),
        *(ValueMeasured(step, i, i >= cut, 0, step / (i + 1) / 10 if i >= cut else 0.0, 2.0) for i in range(layers)),
    ]


@pytest.fixture(scope="session")
def build() -> Build:
    """Build a chain of layers: see ``chain``."""
    return chain


@pytest.fixture(scope="session")
def healthy() -> Trace:
    return chain()


@pytest.fixture(scope="session")
def broken() -> Trace:
    """The first two of six layers are cut off the loss."""
    return chain(cut=2)


HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def hostile() -> Trace:
    """Every name that a traced program chooses is a script tag."""
    return chain(cut=2, name=f"{HOSTILE}.layers", file=f"{HOSTILE}.py", optimizer=HOSTILE)
