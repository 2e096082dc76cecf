"""The cell magic in a real IPython shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

testing = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")

from tracer.integrations.ipython import _read, load_ipython_extension  # noqa: E402

CELL = """
import torch
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
"""
STEP = """
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
"""


@pytest.fixture
def shell() -> Iterator[Any]:
    testing.InteractiveShell.clear_instance()
    running = testing.InteractiveShell.instance(history_manager=None)
    load_ipython_extension(running)
    running.run_cell(CELL)
    yield running
    testing.InteractiveShell.clear_instance()


def verdicts(recording: Any) -> dict[str, str]:
    return {row.name: row.verdict for row in recording.report()}


def test_the_magic_records_the_cell_and_keeps_the_recording(shell: Any) -> None:
    shell.run_cell_magic("trace", "", STEP)
    assert verdicts(shell.user_ns["recording"]) == {"weight": "updated", "bias": "updated"}


def test_model_optimizer_and_variable_can_be_named(shell: Any) -> None:
    shell.run_cell_magic("trace", "-o seen net optimizer", STEP)
    assert verdicts(shell.user_ns["seen"]) == {"weight": "updated", "bias": "updated"}
    assert "recording" not in shell.user_ns


def test_an_error_in_the_cell_is_shown_and_what_ran_before_it_is_kept(shell: Any) -> None:
    shell.run_cell_magic("trace", "", STEP + "\n1 / 0")
    assert verdicts(shell.user_ns["recording"]) == {"weight": "updated", "bias": "updated"}


@pytest.mark.parametrize("line", ["-x", "a b c", "-o 1a net", "--help"])
def test_what_is_not_understood_is_refused(line: str) -> None:
    from tracer.errors import UsageError

    with pytest.raises(UsageError, match=r"Write %%trace \[-o NAME\] \[MODEL \[OPTIMIZER\]\]\."):
        _read(line)


def test_an_unknown_variable_is_named(shell: Any) -> None:
    from tracer.errors import UsageError

    with pytest.raises(UsageError, match="there is no variable 'model' in this notebook"):
        shell.run_cell_magic("trace", "model", STEP)
