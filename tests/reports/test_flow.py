"""Gradients and updates along depth and steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports.flow import COLUMNS, Spread, flows, spread
from tracer.traces import Trace

Build = Callable[..., Trace]


def test_layers_run_from_input_to_loss_and_cut_ones_stand_before_the_next_that_is_reached(broken: Trace) -> None:
    found = flows(broken, diagnose(broken))
    assert [row.leaf for row in found.rows] == [0, 1, 2, 3, 4, 5]
    assert [row.reached for row in found.rows] == [False, False, True, True, True, True]


def test_depth_follows_the_graph_where_the_model_lists_layers_the_other_way(build: Build) -> None:
    trace = build(4)
    from dataclasses import replace

    from tracer.events import GraphSeen, LeafSeen

    # layer 3 is registered last and lies nearest to the input
    def turned(event: object) -> object:
        if isinstance(event, GraphSeen):
            return replace(
                event, nodes=tuple(replace(n, leaf=None if n.leaf is None else 3 - n.leaf) for n in event.nodes)
            )
        return event

    turned_trace = replace(trace, events=tuple(turned(event) for event in trace.events))  # type: ignore[arg-type]
    assert [leaf.leaf for leaf in turned_trace.of(LeafSeen)] == [0, 1, 2, 3]
    assert [row.leaf for row in flows(turned_trace, diagnose(turned_trace)).rows] == [3, 2, 1, 0]


def test_each_step_has_a_column_with_gradient_norm_and_update_ratio(healthy: Trace) -> None:
    found = flows(healthy, diagnose(healthy))
    assert found.steps == (1, 2)
    assert found.rows[1].norms == pytest.approx((0.5, 1.0))
    assert found.rows[1].ratios == pytest.approx((0.025, 0.05))


def test_a_layer_without_gradient_has_no_spread(broken: Trace) -> None:
    row = flows(broken, diagnose(broken)).rows[0]
    assert row.norms == (None, None)
    assert row.norm is None
    assert row.ratio is None


def test_a_spread_leaves_out_what_a_log_scale_cannot_show() -> None:
    assert spread([None, 0.0, float("nan"), 1.0, 4.0, 2.0]) == Spread(1.0, 2.0, 4.0, 3)
    assert spread([0.0, None]) is None


def test_many_steps_are_put_into_few_columns_that_show_their_last_step(build: Build) -> None:
    trace = build(2, steps=COLUMNS * 2 + 1)
    found = flows(trace, diagnose(trace))
    assert len(found.steps) == 81
    assert found.steps[:2] == (3, 6)
    assert found.rows[0].norms[0] == 3.0
