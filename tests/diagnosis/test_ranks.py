"""Several ranks in one report: what only shows between them, what is missing, and that nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tracer.diagnosis.findings import Report
from tracer.diagnosis.ranked import told
from tracer.diagnosis.ranks import RankMerge
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
    from tracer.diagnosis.ranks import read_row

    return Report(Header(world_size=2), tuple(read_row(plain_row(name, i)) for i, name in enumerate(names)))


def rank(number: int, *rows: RankRow, world: int = 2, **more: object) -> RankSummary:
    return replace(RankSummary(number, world, 3, 3, "train.py", rows), **more)  # type: ignore[arg-type]


def merged(*summaries: RankSummary, names: tuple[str, ...] = ("a", "b")) -> Report:
    merging = RankMerge()
    for summary in summaries:
        merging.add(summary)
    return merging.report(base(*names))


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
    report = merging.report(base("a", "b"))
    (found,) = report.findings
    assert found.message.startswith("its values differ between ranks 0-4, 6-104, 106-204, 206-299 / ranks 5, 105, 205")
    assert report.notes == ("1 of 301 ranks left nothing to merge: rank 300",)
