"""Several ranks in one report: what only shows between them, what is missing, and that nothing is guessed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tracer.diagnosis.findings import Report
from tracer.diagnosis.job_report import report_of_job
from tracer.diagnosis.rank_groups import absorb, from_plain, to_plain
from tracer.diagnosis.ranked import Ranks, told
from tracer.diagnosis.ranks import RankMerge
from tracer.errors import TraceFileError
from tracer.store.ranks import RankRow, RankSummary, dump, read
from tracer.traces import Header


def row(name: str, accumulated: int = 3, digest: int | None = 7, **more: object) -> RankRow:
    return replace(RankRow(name, "net", "updated", "ok", True, accumulated, True, digest), **more)  # type: ignore[arg-type]


def plain_row(name: str, leaf: int) -> dict[str, object]:
    return {
        "leaf": leaf, "name": name, "model": "net", "aliases": [], "shape": [2], "dtype": "float32",
        "device": "cpu", "requires_grad": True, "verdict": "updated", "severity": "ok", "confidence": "certain",
        "message": "m", "fix": "", "where": [], "optimizers": [], "grad": {}, "value": {}, "findings": [],
    }  # fmt: skip


def base(*names: str) -> Report:
    from tracer.diagnosis.job_report import read_row

    return Report(Header(world_size=2), tuple(read_row(plain_row(name, i)) for i, name in enumerate(names)))


def rank(number: int, *rows: RankRow, world: int = 2, **more: object) -> RankSummary:
    return replace(RankSummary(number, world, 3, 3, "train.py", rows), **more)  # type: ignore[arg-type]


def merged(*summaries: RankSummary, names: tuple[str, ...] = ("a", "b")) -> Report:
    merging = RankMerge()
    for summary in summaries:
        merging.add(summary)
    return report_of_job(merging, base(*names))


def test_ranks_that_agree_give_a_quiet_report() -> None:
    report = merged(rank(0, row("a"), row("b")), rank(1, row("a"), row("b")))
    assert report.findings == ()
    assert report.notes == ()
    assert [r.verdict for r in report] == ["updated", "updated"]


def test_a_gradient_on_some_ranks_only_is_an_error_with_the_ranks_named() -> None:
    lacking = row("b", accumulated=0, changed=False, digest=8)
    report = merged(*(rank(r, row("a"), row("b") if r < 2 else lacking, world=4) for r in range(4)))
    found = next(f for f in report.findings if f.code == "TR601")
    assert found.severity == "error"
    assert report.names_of(found) == ("b",)
    assert found.message.startswith("a gradient accumulated on ranks 0-1, but never on ranks 2-3")
    assert report["b"].verdict == "unused_on_rank"
    assert report["a"].verdict == "updated"


def test_what_ddp_filled_up_with_zeros_is_only_mentioned() -> None:
    report = merged(rank(0, row("a"), row("b")), rank(1, row("a"), row("b", accumulated=0)))
    assert [(f.code, f.severity) for f in report.findings] == [("TR601", "info")]
    assert report["b"].verdict == "updated"
    assert report["b"].findings == ("TR601",)


def test_different_values_are_an_error_that_names_the_step_and_the_line() -> None:
    drifted = row("b", digest=9, written=("train.py", 21))
    report = merged(
        rank(0, row("a"), row("b"), combined=((1, 5), (2, 6), (3, 7))),
        rank(1, row("a"), drifted, combined=((1, 5), (2, 8), (3, 9))),
    )
    (found,) = report.findings
    assert (found.code, report.names_of(found)) == ("TR602", ("b",))
    assert (
        "its values differ between rank 0 / rank 1; the replicas of the model first differ after step 2"
        in found.message
    )
    assert "only rank 1 changed it outside the optimizer, at train.py:21" in found.message
    assert [(w.file, w.line) for w in found.where] == [("train.py", 21)]


def test_values_after_different_numbers_of_steps_are_not_compared() -> None:
    report = merged(rank(0, row("a")), replace(rank(1, row("a", digest=9)), steps=2), names=("a",))
    assert report.findings == ()
    assert report.notes == ("the ranks made 2 to 3 steps: their values were not compared",)


def test_missing_ranks_other_models_and_errors_are_named() -> None:
    report = merged(rank(0, row("a"), row("b"), world=4), rank(2, row("a"), world=4, error="ValueError: mine"))
    assert report.notes == (
        "2 of 4 ranks left nothing to merge: ranks 1, 3",
        "rank 2 ended with ValueError: mine",
        "not every rank has the parameters b: the ranks' models differ",
    )


def test_a_rank_that_is_worse_off_gives_the_verdict() -> None:
    worse = {**plain_row("a", 0), "verdict": "cut", "severity": "error", "message": "it was cut"}
    report = merged(
        rank(0, row("a")), rank(1, row("a", verdict="cut", severity="error"), unwell=(worse,)), names=("a",)
    )
    assert report["a"].verdict == "cut"
    assert report["a"].message == "it was cut (rank 1)"


@pytest.mark.parametrize(
    ("ranks", "text"), [([3], "rank 3"), ([2, 0, 1], "ranks 0-2"), ([0, 2, 3, 9], "ranks 0, 2-3, 9")]
)
def test_ranks_are_said_in_stretches(ranks: list[int], text: str) -> None:
    assert told(ranks) == text


def test_a_summary_comes_back_from_its_file_as_it_was(tmp_path) -> None:
    summary = rank(1, row("a", written=("x.py", 3)), row("b", digest=None), combined=((1, 2),), notes=("n",))
    path = tmp_path / "rank.json"
    path.write_text(dump(summary))
    assert read(path) == summary


def test_merging_many_ranks_grows_little_and_names_the_odd_ones() -> None:
    merging = RankMerge()
    for number in range(300):
        odd = row("b", digest=1000) if number % 100 == 5 else row("b")
        merging.add(rank(number, row("a"), odd, world=301))
    report = report_of_job(merging, base("a", "b"))
    (found,) = report.findings
    assert found.message.startswith("its values differ between ranks 0-4, 6-104, 106-204, 206-299 / ranks 5, 105, 205")
    assert report.notes == ("1 of 301 ranks left nothing to merge: rank 300",)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 7, 9), (9, 0, 3, 2, 7, 1), (7, 9, 1, 3, 0, 2)])
def test_a_set_of_ranks_is_kept_as_stretches_whatever_the_order(order: tuple[int, ...]) -> None:
    ranks = Ranks(order)
    assert ranks.stretches == [[0, 3], [7, 7], [9, 9]]
    assert list(ranks) == [0, 1, 2, 3, 7, 9]
    assert len(ranks) == 6
    assert [rank for rank in range(-1, 11) if rank in ranks] == [0, 1, 2, 3, 7, 9]
    assert list(ranks.common(Ranks([2, 3, 4, 9]))) == [2, 3, 9]
    ranks.update(Ranks([4, 5, 6]))
    assert ranks.stretches == [[0, 7], [9, 9]]


def stage(number: int, *names: str, digest: int = 7, world: int = 4, rank_: int | None = None) -> RankSummary:
    model = f"net (stage {number})"
    rows = [replace(row(name, digest=digest), model=model) for name in names]
    return rank(number if rank_ is None else rank_, *rows, world=world, stages=((model, number, 2),))


def staged_base(number: int, *names: str) -> Report:
    found = base(*names)
    return replace(found, parameters=tuple(replace(r, model=f"net (stage {number})") for r in found.parameters))


def test_stages_of_a_pipeline_are_models_of_their_own() -> None:
    merging = RankMerge()
    for number, part, digest in ((0, 0, 5), (1, 1, 6), (2, 0, 5), (3, 1, 6)):
        merging.add(replace(stage(part, "0.weight", digest=digest), rank=number, combined=((1, digest),)))
    report = report_of_job(merging, staged_base(0, "0.weight"), more=[staged_base(1, "0.weight")])
    assert report.findings == ()
    assert [(r.model, r.name) for r in report] == [("net (stage 0)", "0.weight"), ("net (stage 1)", "0.weight")]
    assert report.notes == (
        "each rank has its own part of the model, a pipeline of 2 stages: stage 0 on ranks 0, 2; stage 1 on ranks 1, 3",
    )


def test_replicas_of_one_stage_are_compared() -> None:
    merging = RankMerge()
    for number, part, digest in ((0, 0, 5), (1, 1, 6), (2, 0, 5), (3, 1, 8)):
        merging.add(replace(stage(part, "0.weight", digest=digest), rank=number, combined=((1, digest),)))
    report = report_of_job(merging, staged_base(0, "0.weight"), more=[staged_base(1, "0.weight")])
    (found,) = report.findings
    assert (found.code, report.names_of(found)) == ("TR602", ("net (stage 1).0.weight",))
    assert "differ between rank 1 / rank 3; the replicas of the model first differ after step 1" in found.message


def test_what_a_rank_holds_of_another_ranks_stage_is_not_called_missing() -> None:
    merging = RankMerge()
    for number, mine, other in ((0, "a", "b"), (1, "b", "a")):
        rest = row(other, accumulated=0, changed=False, verdict="unused", severity="warning", digest=number)
        unwell = {**plain_row(other, 1), "verdict": "unused", "severity": "warning"}
        finding = {
            "code": "TR201", "name": "unused", "severity": "warning", "confidence": "certain",
            "parameters": [["net", other]], "message": "m", "fix": "f", "where": [],
        }  # fmt: skip
        own = stage(number, mine, world=2)
        merging.add(replace(own, rows=(*own.rows, rest), unwell=(unwell,), findings=(finding,)))
    rows = base("a", "b").parameters
    first = replace(base("a"), parameters=(replace(rows[0], model="net (stage 0)"), rows[1]))
    report = report_of_job(merging, first, more=[staged_base(1, "b")])
    assert [(r.model, r.name, r.verdict) for r in report] == [
        ("net (stage 0)", "a", "updated"),
        ("net (stage 1)", "b", "updated"),
    ]
    assert report.findings == ()
    assert len(report.notes) == 1


def test_other_shapes_under_one_name_are_other_models_and_not_compared() -> None:
    report = merged(rank(0, row("a", shape=(2, 3))), rank(1, row("a", digest=9, shape=(4, 3))), names=("a",))
    assert report.findings == ()
    assert report.notes == ("the parameters a have other shapes on other ranks: these models were not compared",)


def sick(number: int, world: int) -> RankSummary:
    """A rank of a job in which much goes wrong, each rank in its own way."""
    worse = {**plain_row("a", 0), "verdict": "cut", "severity": "error", "message": "it was cut"}
    finding = {
        "code": "TR202", "name": "cut", "severity": "error", "confidence": "certain", "parameters": [["net", "a"]],
        "message": "it was cut", "fix": "do not", "where": [],
    }  # fmt: skip
    found = rank(
        number, row("a", shape=(2,)), row("b", digest=number % 3, accumulated=number % 4), world=world,
        combined=((1, 5), (2, number % 3)), notes=(f"note {number % 2}",),
        error="ValueError: mine" if number == 6 else "",
        finished=number != 2, unwell=(worse,) if number == 5 else (), findings=(finding,) if number in (5, 7) else (),
    )  # fmt: skip
    return replace(found, rows=(*found.rows, row("odd", written=("train.py", 9)))) if number == 3 else found


def test_groups_of_ranks_merged_say_what_all_ranks_merged_one_by_one_say() -> None:
    one_by_one = RankMerge()
    for number in range(12):
        one_by_one.add(sick(number, 13))
    together = RankMerge()
    for members in ((0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)):
        machine = RankMerge()
        for number in members:
            machine.add(sick(number, 13))
        absorb(together, from_plain(json.loads(json.dumps(to_plain(machine))), "machine"))
    expected = report_of_job(one_by_one, base("a", "b", "odd"))
    assert report_of_job(together, base("a", "b", "odd")) == expected
    assert [f.code for f in expected.findings] == ["TR202", "TR601", "TR602"]
    assert len(expected.notes) == 6


def test_replicas_that_all_differ_are_not_all_kept() -> None:
    merging = RankMerge()
    for number in range(300):
        merging.add(rank(number, row("a", digest=number), world=300))
    assert len(merging.run.parameters["net", "a"].digests) == 64
    (found,) = report_of_job(merging, base("a")).findings
    assert found.message.startswith("its values differ between rank 0 / rank 1 / rank 2 / rank 3 and 296 more")


@pytest.mark.parametrize("damage", ["sets", "parameters", "ranks", "findings"])
def test_a_damaged_group_is_refused(damage: str) -> None:
    plain = to_plain(RankMerge())
    plain["findings"] = []
    for wrong in ({**plain, damage: [["x"]]}, {key: value for key, value in plain.items() if key != damage}):
        with pytest.raises(TraceFileError, match="m is no summary of ranks, or a damaged one"):
            from_plain(wrong, "m")
