"""What tests share: a shell that runs commands in fresh interpreters, and marks for what is not there."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

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

ROOT = Path(__file__).resolve().parent.parent

Shell = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--refresh`` writes the golden files anew; read the difference before you commit it."""
    parser.addoption("--refresh", action="store_true", help="write golden files anew")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``cuda`` on a machine without CUDA, with the reason."""
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(autouse=True)
def _no_recording_outlives_its_test() -> Iterator[None]:
    """Collect what a test dropped without closing it: a watch ends with its optimizer, which may be in a cycle."""
    yield
    session = sys.modules.get("tracer.recording.session")
    if session is not None and session.recording_runs():
        gc.collect()


@pytest.fixture
def python(tmp_path: Path) -> Shell:
    """Run ``python ARGS`` in ``tmp_path``, as a user would, with this checkout importable."""

    def run(*args: object, stdin: str = "", timeout: float = 120, **env: str) -> subprocess.CompletedProcess[str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH", "")])]
        return subprocess.run(
            [sys.executable, *map(str, args)],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(paths), **env},
        )

    return run


@pytest.fixture
def tracer(python: Shell) -> Shell:
    """Run ``python -m tracer.trace ARGS`` in ``tmp_path``."""
    return lambda *args, **more: python("-m", "tracer.trace", *args, **more)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a golden file beside the test; ``--refresh`` writes it."""

    def compare(name: str, text: str) -> None:
        path = request.path.parent / "golden" / name
        if request.config.getoption("--refresh"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def blocks() -> Callable[..., Trace]:
    """Make a trace of a network of equal blocks, without torch: see ``stack_of_blocks``."""
    return stack_of_blocks


def stack_of_blocks(
    count: int, *, frozen: int | None = None, cut: int | None = None, cls: str = "Block", name: str = "net"
) -> Trace:
    """Return one step of ``count`` blocks in a row, each a Linear (weight, bias) and a ReLU, held by one SGD.

    Args:
        frozen: the block whose leaves ask for no gradient.
        cut: the block whose Linear is detached at ``train.py:7``.
        cls: class of the blocks.
        name: name of the model.
    """
    head: list[Event] = [
        PlaceSeen(0, "train.py", 7, "forward", ("h = h.detach()",), 7),
        PlaceSeen(1, "train.py", 9, "f"),
    ]
    head += [ModelSeen(0, name, "Net"), ModuleSeen(0, 0, "", "Net", calls=1)]
    for i in range(count):
        head += [
            ModuleSeen(2 * i + 1, 0, f"{i}", cls, calls=1),
            ModuleSeen(2 * i + 2, 0, f"{i}.lin", "Linear", calls=1),
        ]
        for leaf, short, shape in ((2 * i, "weight", (3, 2)), (2 * i + 1, "bias", (3,))):
            path, asks = f"{i}.lin.{short}", i != frozen
            head.append(LeafSeen(leaf, 0, path, (), shape, "float32", "cpu", asks, "parameter", module=2 * i + 2))
    nodes: list[Node] = []
    edges: list[tuple[int, int, int]] = []
    tail: list[Event] = []
    held: list[int] = []
    for block in reversed(range(count)):
        outer, inner, weight = 2 * block + 1, 2 * block + 2, 2 * block
        relu = len(nodes)
        nodes.append(Node("ReluBackward0", outer, 1, "relu"))
        if relu:
            edges.append((relu - 1 if nodes[relu - 1].leaf is None else relu - 3, relu, 0))
        linear = block != cut
        if linear:
            nodes.append(Node("AddmmBackward0", inner, 1, "linear"))
            edges.append((relu, relu + 1, 0))
        for i, leaf in enumerate((weight, weight + 1) if block != frozen else ()):
            held.append(leaf)
            if linear:
                nodes.append(Node("AccumulateGrad", leaf=leaf))
                edges.append((relu + 1, len(nodes) - 1, i))
                tail += [GradAccumulated(1, 0, leaf), GradMeasured(1, leaf, "step", 0.5 + leaf, 0.0, True, 0)]
            else:
                tail.append(CutFound(1, 0, leaf, "detach", "detach", 0, reentry=1))
            tail.append(ValueMeasured(1, leaf, linear, 0, 0.1 if linear else 0.0, 1.0))
    graph = GraphSeen(0, f"blocks{count}", tuple(nodes), tuple(edges))
    optimizer = (OptimizerSeen(0, "optimizer", "SGD"), GroupsSeen(1, 0, (Group(tuple(sorted(held)), 0.1),)))
    start = BackwardStarted(1, 0, "backward", 0, (0,), 1, root_value=2.5)
    end = BackwardEnded(1, 0, norms=tuple(float(i + 1) for i in range(len(nodes))))
    rest = (start, end, *(e for e in tail if not isinstance(e, GradMeasured | ValueMeasured)))
    step = (OptimizerStepped(1, 0), *(e for e in tail if isinstance(e, GradMeasured | ValueMeasured)))
    return Trace(Header(steps=1, backwards=1, program="blocks"), (*head, *optimizer, graph, *rest, *step))
