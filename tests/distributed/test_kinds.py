"""Kinds of parallel training on two processes with gloo, each untraced and traced. Seen on torch 2.13."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.distributed.conftest import PROGRAMS, ROOT, free_port
from tracer.diagnosis.findings import Report
from tracer.diagnosis.job import merge_job, ranks_in
from tracer.events import LeafSeen, StageSeen
from tracer.store.jsonl import load

KINDS = ("tensor", "sequence", "pipeline", "interleaved", "sharded", "hybrid", "zero", "other")
#: Not run by an older PyTorch.
NEW_ONLY = {"pipeline", "interleaved", "sharded", "hybrid"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one job of two processes has left its traces of every kind."""
    folder = tmp_path_factory.mktemp("kinds")
    command = [
        sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}",
        str(PROGRAMS / "every_kind.py"), str(folder),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def report(out: Path, kind: str) -> Report:
    if not (out / kind).exists():
        assert kind in NEW_ONLY
        pytest.skip("torch before 2.13 may hang in a pipeline over gloo, or not shard on the CPU, untraced")
    return merge_job(ranks_in(out / kind)).report


def loud(found: Report) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.code, found.names_of(f)) for f in found.findings if f.severity != "info"]


def rows(found: Report) -> list[tuple[str, str, str]]:
    return [(row.model, row.name, row.verdict) for row in found]


def local_shapes(out: Path, kind: str, rank: int) -> dict[str, Any]:
    trace = load(out / kind / f"rank{rank}")
    return {leaf.name: (leaf.shape, leaf.local_shape, leaf.placement) for leaf in trace.of(LeafSeen)}


@pytest.mark.parametrize("rank", [0, 1])
def test_tracing_changes_no_loss_and_adds_no_collective(out: Path, rank: int) -> None:
    compared = json.loads((out / f"compared{rank}.json").read_text())
    assert set(compared) | NEW_ONLY == set(KINDS)
    for kind, (alone, traced) in compared.items():
        assert traced == alone, kind
    assert [count for kind, ((_, count), _) in compared.items() if kind not in ("hybrid", "other") and not count] == []


@pytest.mark.parametrize("kind", ["tensor", "sequence"])
def test_tensor_parallel_parameters_have_their_names_and_the_shapes_of_the_whole(out: Path, kind: str) -> None:
    found = report(out, kind)
    assert {(name, verdict) for _, name, verdict in rows(found)} == {
        ("norm.weight", "updated"), ("norm.bias", "updated"), ("up.weight", "updated"), ("up.bias", "updated"),
        ("down.weight", "updated"), ("down.bias", "updated"), ("unused.weight", "unused"), ("unused.bias", "unused"),
    }  # fmt: skip
    assert loud(found) == [("TR201", ("unused.weight", "unused.bias"))]
    assert found.notes == ()
    assert (found["up.weight"].shape, found["down.weight"].shape) == ((8, 4), (4, 8))
    for rank in (0, 1):
        shapes = local_shapes(out, kind, rank)
        assert shapes["up.weight"] == ((8, 4), (4, 4), "S(0)")
        assert shapes["down.weight"] == ((4, 8), (4, 4), "S(1)")
        assert shapes["down.bias"] == ((4,), (4,), "R")
        assert shapes["norm.weight"] == (((4,), (4,), "R") if kind == "sequence" else ((4,), None, ""))


def test_each_rank_of_a_pipeline_has_its_own_part_of_the_model(out: Path) -> None:
    found = report(out, "pipeline")
    assert rows(found) == [
        ("net (stage 0)", "0.weight", "updated"), ("net (stage 0)", "0.bias", "updated"),
        ("net (stage 1)", "2.weight", "updated"), ("net (stage 1)", "2.bias", "updated"),
        ("net (stage 1)", "4.weight", "updated"), ("net (stage 1)", "4.bias", "updated"),
    ]  # fmt: skip
    assert loud(found) == []
    assert found.notes == (
        "each rank has its own part of the model, a pipeline of 2 stages: stage 0 on rank 0; stage 1 on rank 1",
    )


def test_stages_that_look_alike_are_not_taken_for_replicas(out: Path) -> None:
    found = report(out, "interleaved")
    assert {(model, verdict) for model, _, verdict in rows(found)} == {
        ("parts[0] (stage 0)", "updated"), ("parts[0] (stage 1)", "updated"),
        ("parts[1] (stage 2)", "updated"), ("parts[1] (stage 3)", "updated"),
    }  # fmt: skip
    assert loud(found) == []
    assert found.notes[0].endswith("stage 0 on rank 0; stage 1 on rank 1; stage 2 on rank 0; stage 3 on rank 1")
    assert [(s.stage, s.stages) for s in load(out / "interleaved" / "rank1").of(StageSeen)] == [(1, 4), (3, 4)]


@pytest.mark.parametrize(("kind", "placement"), [("sharded", "S(0)"), ("hybrid", "R, S(0)")])
def test_fully_sharded_training_is_healthy_with_all_that_is_usual(out: Path, kind: str, placement: str) -> None:
    found = report(out, kind)
    names = ("0.lin.weight", "0.lin.bias", "1.lin.weight", "1.lin.bias", "2.weight", "2.bias")
    assert rows(found) == [("net", name, "updated") for name in names]
    assert (loud(found), found.notes) == ([], ())
    local = (4, 4) if kind == "sharded" else (8, 4)
    assert local_shapes(out, kind, 1)["0.lin.weight"] == ((8, 4), local, placement)


def test_parameters_that_another_rank_steps_have_an_optimizer(out: Path) -> None:
    found = report(out, "zero")
    assert {row.verdict for row in found} == {"updated"}
    assert {row.optimizers[0].cls for row in found} == {"ZeroRedundancyOptimizer"}
    assert (loud(found), found.notes) == ([], ())


def test_a_rank_with_another_model_is_named_and_the_rest_is_reported(out: Path) -> None:
    found = report(out, "other")
    assert {row.verdict for row in found} == {"updated"}
    assert loud(found) == []
    assert found.notes == (
        "not every rank has the parameters 3.weight, 3.bias: the ranks' models differ",
        "the parameters 0.weight, 0.bias, 2.weight have other shapes on other ranks: these models were not compared",
    )
