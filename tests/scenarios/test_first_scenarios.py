"""The first three scenarios give exactly the numbers that can be worked out by hand, alone and side by side."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

#: name -> (gradient, value after one step); the same in all three. Before: the values of ``four_layers``.
ALWAYS: dict[str, tuple[Any, Any]] = {
    "a_Linear.weight": ([[220], [256]], [[-17], [-18.6]]),
    "a_Linear.bias": ([238], [-20.8]),
    "b_Linear.weight": ([[104, 136], [130, 170]], [[5, 6], [7, 8]]),
    "b_Linear.bias": ([8, 10], [9, 10]),
    "c_Linear.weight": (None, [[1, 2]]),
    "c_Linear.bias": (None, [3]),
}
#: scenario -> (d requires grad, the optimizer holds d, gradients and values of d)
D_LINEAR: dict[str, tuple[bool, bool, tuple[Any, Any], tuple[Any, Any]]] = {
    "trainable_unregistered": (True, False, ([[176, 237]], [[7, 8]]), ([1], [9])),
    "frozen_registered": (False, True, (None, [[7, 8]]), (None, [9])),
    "trainable_registered": (True, True, ([[176, 237]], [[-10.6, -15.7]]), ([1], [8.9])),
}


def check_numbers(folder: Path, scenario: str) -> None:
    report = json.loads((folder / "report.json").read_text())
    rows = {row["name"]: row for row in report["parameters"]}
    requires_grad, held, weight, bias = D_LINEAR[scenario]
    expected = {**ALWAYS, "d_Linear.weight": weight, "d_Linear.bias": bias}
    assert rows.keys() == expected.keys()
    for name, (grad, after) in expected.items():
        assert rows[name]["grad"]["values"] == grad, name
        assert flat(rows[name]["value"]["after"]) == pytest.approx(flat(after)), name
        assert bool(rows[name]["optimizers"]) == (name.startswith("a_") or (held and name.startswith("d_")))
        assert rows[name]["requires_grad"] == (requires_grad if name.startswith("d_") else name[0] != "c")


def flat(values: Any) -> list[float]:
    return [number for value in values for number in flat(value)] if isinstance(values, list) else [values]


@pytest.mark.parametrize("scenario", D_LINEAR)
def test_one_step_has_the_numbers_worked_out_by_hand(tmp_path: Path, tracer: Shell, scenario: str) -> None:
    result = tracer(scenario, "--device", "cpu", "--quiet", "--format", "json")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    check_numbers(tmp_path / "outputs" / scenario, scenario)


def test_the_loss_is_3790() -> None:
    import torch

    from tracer.scenarios.four_layers import build

    net = build(torch, torch.device("cpu"), d_requires_grad=True)
    assert net(torch.tensor([2.0])).tolist() == [3790.0]


def read_blocks(text: str) -> dict[str, dict[str, str]]:
    """Return parameter -> cell -> its texts, from the table of a side-by-side."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 1 and words[0].endswith(("weight", "bias")):
            block = found.setdefault(words[0], {})
        elif found and len(words) > 1:
            size = 2 if words[0] == "≠" or words[0] == "in" else 1
            block[" ".join(words[:size])] = " ".join(words[size:])
    return found


def test_side_by_side_only_the_cells_of_d_differ(tmp_path: Path, tracer: Shell) -> None:
    result = tracer("requires_grad", "--device", "cpu", "--format", "text,json")
    assert result.returncode == 0, result.stderr
    for scenario in D_LINEAR:
        check_numbers(tmp_path / "outputs" / "requires_grad" / scenario, scenario)
    differ, _, equal = result.stdout.partition("What is equal in all 3")
    blocks = read_blocks(differ)
    assert blocks["d_Linear.weight"]["≠ grad"] == "[[176, 237]] None [[176, 237]]"
    assert blocks["d_Linear.weight"]["≠ after"] == "[[7, 8]] [[7, 8]] [[-10.6, -15.7]]"
    assert blocks["d_Linear.bias"]["≠ grad"] == "[1] None [1]"
    assert blocks["d_Linear.bias"]["≠ after"] == "[9] [9] [8.9]"
    assert set(blocks) == {"d_Linear.weight", "d_Linear.bias"}
    assert "≠" not in equal
    assert read_blocks(equal)["a_Linear.weight"]["grad"] == "[[220], [256]] = ="
    rows = [" ".join(line.split()) for line in equal.splitlines()]
    assert "Differ: d_Linear.weight, d_Linear.bias. Everything else is equal in all 3." in rows
    sentences = " ".join(rows)
    assert "get the same gradients every time: whether d_Linear is frozen does not stop the gradient" in sentences
    assert "a parameter trains only if it requires grad and an optimizer that steps holds it." in sentences
