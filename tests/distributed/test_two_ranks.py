"""Programs under torchrun with gloo on two processes: each rank's own report. Seen on torch 2.13 and 2.6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tracer.diagnosis.rank_rules import RankRule, all_rank_rules

PROGRAMS = Path(__file__).parent / "programs"

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
    together = job.report()
    assert (together["world_size"], together["findings"], together["notes"]) == (2, [], [])
    assert job.verdicts() == job.verdicts("rank1")


@pytest.mark.skipif(torch.__version__ < "2.7", reason="fully_shard of torch 2.6 does not run on the CPU")
def test_fully_sharded_parameters_are_followed_by_their_shards(torchrun: Torchrun) -> None:
    job = torchrun("fully_sharded.py")
    assert job.status == 0, job.stderr[-3000:]
    names = ("0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias")
    for rank in ("rank0", "rank1"):
        assert job.verdicts(rank) == dict.fromkeys(names, "updated")
        assert job.report(rank)["findings"] == []
        assert job.report(rank)["notes"] == []
        assert [row["grad"]["accumulated"] for row in job.report(rank)["parameters"]] == [3] * 6


def test_replicas_that_drift_apart_are_named_with_the_line_that_did_it(torchrun: Torchrun) -> None:
    job = torchrun("diverging.py")
    (finding,) = job.report()["findings"]
    assert (finding["code"], finding["parameters"]) == ("TR602", ["2.bias"])
    assert "first differ after step 3" in finding["message"]
    source = (PROGRAMS / "diverging.py").read_text().splitlines()
    assert "# the cause" in source[finding["where"][0]["line"] - 1]


def test_a_parameter_unused_on_one_rank_explains_ddps_error(torchrun: Torchrun) -> None:
    job = torchrun("unused_on_one_rank.py")
    assert job.status != 0
    assert "Expected to have finished reduction" in job.stderr
    finding = next(f for f in job.report()["findings"] if f["code"] == "TR601")
    assert finding["parameters"] == ["extra.weight", "extra.bias"]
    assert "on rank 0, but never on rank 1" in finding["message"]
    assert "ended with RuntimeError: Expected to have finished reduction" in finding["message"]


def test_ddp_that_looks_for_unused_parameters_raises_no_alarm(torchrun: Torchrun) -> None:
    job = torchrun("unused_on_one_rank.py", "find")
    assert job.status == 0, job.stderr[-3000:]
    assert [(f["code"], f["severity"]) for f in job.report()["findings"]] == [("TR601", "info")]
    assert set(job.verdicts().values()) == {"updated"}


@pytest.mark.parametrize("rule", all_rank_rules(), ids=lambda rule: rule.code)
def test_rule_fires_on_its_bad_program_and_not_on_its_good_one(torchrun: Torchrun, rule: RankRule) -> None:
    bad = {f["code"] for f in torchrun("of_rule.py", rule.code, "bad").report()["findings"] if f["severity"] == "error"}
    good = torchrun("of_rule.py", rule.code, "good").report()["findings"]
    assert rule.code in bad
    assert good == []


def test_a_rank_that_is_killed_leaves_what_was_kept_and_is_named(torchrun: Torchrun) -> None:
    job = torchrun("killed.py")
    assert job.status != 0
    report = job.report()
    assert set(job.verdicts().values()) == {"updated"}
    assert "the recording of rank 1 was cut off before its end, and is left out" in report["notes"]
    assert any(note.startswith("rank 0 ended with ") for note in report["notes"])
