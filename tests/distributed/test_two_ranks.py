"""Programs under torchrun with gloo on two processes: each rank's own report. Seen on torch 2.13."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Torchrun = Callable[..., Any]


@pytest.mark.parametrize("how", [(), ("static",)], ids=["no_sync", "static_graph"])
def test_healthy_data_parallel_training_is_healthy_on_each_rank_by_its_own_names(
    torchrun: Torchrun, how: tuple[str, ...]
) -> None:
    job = torchrun("data_parallel.py", *how)
    assert job.status == 0, job.stderr[-3000:]
    for rank in ("rank0", "rank1"):
        assert job.verdicts(rank) == dict.fromkeys(("0.weight", "0.bias", "2.weight", "2.bias"), "updated")
        assert job.report(rank)["findings"] == []
        assert {row["model"] for row in job.report(rank)["parameters"]} == {"inner"}


def test_fully_sharded_parameters_are_followed_by_their_shards(torchrun: Torchrun) -> None:
    job = torchrun("fully_sharded.py")
    assert job.status == 0, job.stderr[-3000:]
    names = ("0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias")
    for rank in ("rank0", "rank1"):
        assert job.verdicts(rank) == dict.fromkeys(names, "updated")
        assert job.report(rank)["findings"] == []
        assert job.report(rank)["notes"] == []
        assert [row["grad"]["accumulated"] for row in job.report(rank)["parameters"]] == [3] * 6
