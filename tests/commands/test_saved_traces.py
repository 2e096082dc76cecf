"""The commands that read saved traces: report, explain, diff, merge; none of them loads torch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tracer.events import (
    BackwardEnded,
    BackwardStarted,
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
from tracer.store.jsonl import save
from tracer.traces import Header, Trace

Shell = Callable[..., "subprocess.CompletedProcess[str]"]

NODES = (
    Node("AddmmBackward0", 0, 0, "linear"),
    Node("AccumulateGrad", leaf=0),
    Node("AccumulateGrad", leaf=1),
)


def trained(*, with_bias: bool = True) -> Trace:
    """One SGD step on a Linear(2, 1); without ``with_bias`` the optimizer does not hold the bias."""
    held = (0, 1) if with_bias else (0,)
    return Trace(
        Header(torch="2.13.0", python="3.11", steps=1, backwards=1, program="train.py"),
        (
            PlaceSeen(0, "train.py", 3, "<module>", ("net = Linear(2, 1)", "loss = net(x)", "loss.backward()"), 2),
            ModelSeen(0, "net", "Linear"),
            ModuleSeen(0, 0, "", "Linear", calls=1),
            LeafSeen(0, 0, "weight", (), (1, 2), "float32", "cpu", True, "parameter", module=0),
            LeafSeen(1, 0, "bias", (), (1,), "float32", "cpu", True, "parameter", module=0),
            OptimizerSeen(0, "optimizer", "SGD"),
            GroupsSeen(1, 0, (Group(held, 0.1, 0.0, 0.0),)),
            GraphSeen(0, "f", NODES, ((0, 1, 0), (0, 2, 1))),
            BackwardStarted(1, 0, "backward", 0, (0,), place=0, root_value=1.0),
            *(GradAccumulated(1, 0, leaf) for leaf in (0, 1)),
            BackwardEnded(1, 0, order=(0, 1, 2)),
            *(GradMeasured(1, leaf, "backward", 2.0, 0.0, True) for leaf in (0, 1)),
            OptimizerStepped(1, 0, place=0),
            *(GradMeasured(1, leaf, "step", 2.0, 0.0, True, optimizer=0) for leaf in held),
            *(ValueMeasured(1, leaf, True, 0, 0.2, 1.0) for leaf in held),
        ),
    )


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    save(trained(), tmp_path / "good" / "trace.jsonl.gz")
    save(trained(with_bias=False), tmp_path / "bad" / "trace.jsonl.gz")
    return tmp_path


def test_a_saved_trace_is_rendered_beside_itself(traces: Path, tracer: Shell) -> None:
    result = tracer("report", "good/trace.jsonl.gz")
    assert result.returncode == 0, result.stderr
    assert "weight" in result.stdout and "updated" in result.stdout
    assert "wrote good/report.html" in result.stderr
    report = json.loads((traces / "good" / "report.json").read_text())
    assert [row["verdict"] for row in report["parameters"]] == ["updated", "updated"]


def test_the_report_of_findings_fails_when_asked(traces: Path, tracer: Shell) -> None:
    assert tracer("report", "bad", "--format", "json", "--fail-on", "error").returncode == 1
    assert tracer("report", "good", "--format", "json", "--fail-on", "warning").returncode == 0


def test_quiet_prints_nothing(traces: Path, tracer: Shell) -> None:
    result = tracer("report", "bad", "--quiet")
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.parametrize(
    "args",
    [
        ["report", "bad", "--out", "o"],
        ["explain", "bad", "bias"],
        ["diff", "good", "bad"],
        ["list"],
        ["rules"],
    ],
)
def test_reading_loads_no_torch(traces: Path, python: Shell, args: list[str]) -> None:
    probe = "import sys; from tracer.trace import main; main(sys.argv[1:]); sys.exit('torch' in sys.modules)"
    result = python("-c", probe, *args)
    assert result.returncode == 0, result.stderr


def test_explain_tells_what_is_known_of_one_parameter(traces: Path, tracer: Shell) -> None:
    lines = tracer("explain", "bad", "bias").stdout.splitlines()
    assert lines[0] == "bias: not_in_optimizer (error, certain)"
    assert "  tensor          1, float32, cpu" in lines
    assert "  optimizers      none" in lines
    assert "  accumulated     1 time(s)" in lines
    assert "  gradient norm   2, 0.0% of it zero" in lines


def test_explain_of_an_unknown_parameter_names_those_near_it(traces: Path, tracer: Shell) -> None:
    result = tracer("explain", "bad", "head.bias")
    assert result.returncode == 2
    assert result.stderr == "tracer: no parameter is called 'head.bias'. Near it: bias.\n"


def test_diff_says_what_became_worse_and_what_better(traces: Path, tracer: Shell) -> None:
    worse = tracer("diff", "good", "bad").stdout.splitlines()
    assert worse[0] == "worse (1):"
    assert worse[1].startswith("  bias: updated -> not_in_optimizer. ")
    assert worse[-1] == "same verdict: 1 parameter(s)"
    better = tracer("diff", "bad", "good").stdout.splitlines()
    assert better[0] == "better (1):"
    assert tracer("diff", "good", "good").stdout == "same verdict: 2 parameter(s)\n"


def test_merge_gives_one_report_that_names_the_ranks_that_differ(tmp_path: Path, tracer: Shell) -> None:
    for rank in (0, 1):
        trace = trained(with_bias=rank == 0)
        header = replace(trace.header, rank=rank, world_size=3)
        save(replace(trace, header=header), tmp_path / "job" / f"rank{rank}" / "trace.jsonl.gz")
    result = tracer("merge", "job", "--out", "all", "--format", "json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "all" / "report.json").read_text())
    rows = {row["name"]: row for row in report["parameters"]}
    assert report["world_size"] == 3
    assert rows["weight"]["verdict"] == "updated"
    assert rows["bias"]["verdict"] == "not_in_optimizer"
    assert rows["bias"]["message"].endswith("(rank 1)")
    assert report["notes"] == ["1 of 3 ranks left nothing to merge: rank 2"]


def test_merge_reports_the_rest_when_a_rank_is_damaged(tmp_path: Path, tracer: Shell) -> None:
    trace = trained(with_bias=True)
    save(replace(trace, header=replace(trace.header, world_size=2)), tmp_path / "job" / "rank0" / "trace.jsonl.gz")
    (tmp_path / "job" / "rank1").mkdir()
    (tmp_path / "job" / "rank1" / "trace.jsonl.gz").write_bytes(b"nothing")
    result = tracer("merge", "job", "--out", "all", "--format", "json")
    assert result.returncode == 0, result.stderr
    notes = json.loads((tmp_path / "all" / "report.json").read_text())["notes"]
    assert notes[0].startswith("job/rank1 could not be read: ")
    assert notes[1] == "1 of 2 ranks left nothing to merge: rank 1"


def test_merge_of_one_rank_given_twice_is_one_sentence(tmp_path: Path, tracer: Shell) -> None:
    save(trained(with_bias=True), tmp_path / "a.jsonl.gz")
    result = tracer("merge", "a.jsonl.gz", "a.jsonl.gz", "--out", "all")
    assert result.returncode == 2
    assert result.stderr == "tracer: rank 0 was given twice. Merge each rank of one job once.\n"


def test_a_diff_is_written_as_a_page_and_fails_when_asked(traces: Path, tracer: Shell) -> None:
    result = tracer("diff", "good", "bad", "--out", "compared", "--fail-on", "worse")
    assert result.returncode == 1
    assert result.stderr == "wrote compared/diff.html\n"
    assert "Parameters: 1 worse; 1 have the same verdict in both." in (traces / "compared" / "diff.html").read_text()
    assert tracer("diff", "bad", "good", "--fail-on", "worse").returncode == 0


def test_a_diff_has_formats_of_its_own(traces: Path, tracer: Shell) -> None:
    result = tracer("diff", "good", "bad", "--format", "pdf")
    assert result.returncode == 2
    assert result.stderr == "tracer: there is no format 'pdf' for a diff. The formats are text, html.\n"


def test_explain_follows_the_gradient_from_the_loss(traces: Path, tracer: Shell) -> None:
    lines = tracer("explain", "good", "weight").stdout.splitlines()
    assert "path of the gradient, from the loss = 1 (backward at train.py:3):" in lines
    assert "  arrives at weight: gradient 2" in lines


def test_a_github_job_gets_notes_in_its_log_and_a_summary_on_its_page(traces: Path, tracer: Shell) -> None:
    page = traces / "summary.md"
    args = ("report", "bad", "--format", "github", "--quiet", "--fail-on", "error")
    result = tracer(*args, GITHUB_STEP_SUMMARY=str(page))
    assert result.returncode == 1
    assert result.stdout.startswith("::error ")
    assert result.stdout == (traces / "bad" / "annotations.txt").read_text()
    assert page.read_text().startswith("# Gradient report\n")
