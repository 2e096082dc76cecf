"""Charts as data: which there are, what a line joins, how names stand on an axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tracer.diagnosis.engine import diagnose
from tracer.reports.flow import Flow, Flows, flows
from tracer.reports.page.charts import charts, numbers
from tracer.traces import Trace

Build = Callable[..., Trace]


def flow(leaf: int, name: str, model: str = "net") -> Flow:
    return Flow(leaf, name, model, "updated", True, True, (1.0, 2.0), (0.1, 0.1))


def lines(*rows: Flow) -> dict[str, list[int]]:
    """Name of each line in the first chart, with the layers that it joins."""
    chart = charts(Flows((1, 2), rows))[0]
    return {trace["name"]: trace["x"] for trace in chart["traces"] if trace.get("showlegend", True)}


def found(trace: Trace) -> list[dict[str, Any]]:
    return charts(flows(trace, diagnose(trace)))


def test_a_line_joins_layers_of_one_kind() -> None:
    rows = [flow(i, f"blocks.{i // 2}.{('attn', 'mlp')[i % 2]}.weight") for i in range(8)]
    assert lines(*rows, flow(8, "head.weight")) == {"attn": [0, 2, 4, 6], "mlp": [1, 3, 5, 7], "others": [8]}


def test_layers_without_kinds_are_one_line_and_two_models_are_two() -> None:
    rows = [flow(i, f"layer{i}.weight") for i in range(4)]
    assert lines(*rows) == {"all layers": [0, 1, 2, 3]}
    split = [replace(row, model="ab"[row.leaf // 2]) for row in rows]
    assert lines(*split) == {"a": [0, 1], "b": [2, 3]}


def test_an_axis_leaves_out_what_all_names_share(broken: Trace) -> None:
    assert found(broken)[0]["ticks"] == ["0", "1", "2", "3", "4", "5"]


def test_layers_without_gradient_are_crosses_that_say_why(broken: Trace) -> None:
    crosses = found(broken)[0]["traces"][-1]
    assert crosses["name"] == "no gradient"
    assert crosses["x"] == [0, 1]
    assert crosses["text"][0] == "encoder.layers.0.weight<br>no gradient: cut"


def test_the_map_needs_several_steps(build: Build) -> None:
    assert [chart["key"] for chart in found(build(5, steps=1))] == ["gradients", "updates"]
    assert [chart["key"] for chart in found(build(5, steps=3))] == ["gradients", "updates", "steps"]


def test_the_map_of_a_deep_model_says_which_layers_it_leaves_out(build: Build) -> None:
    chart = found(build(500))[-1]
    assert len(chart["traces"][0]["z"]) == 167
    assert "One of every 3 of the 500 layers is shown." in chart["caption"]


def test_names_cannot_become_markup_in_a_label(hostile: Trace) -> None:
    for chart in found(hostile):
        for trace in chart["traces"]:
            assert "<script>" not in str(chart["ticks"]) + str(trace.get("text", "")) + str(
                trace.get("name", "")
            ) + str(trace.get("y", ""))


def test_the_numbers_are_there_as_texts(broken: Trace) -> None:
    rows = numbers(flows(broken, diagnose(broken)))
    assert rows[0] == {"name": "encoder.layers.0.weight", "verdict": "cut", "norm": "none", "ratio": "none"}
    assert rows[3]["norm"] == "0.375 (0.25 to 0.5)"
