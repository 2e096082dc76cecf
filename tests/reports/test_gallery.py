"""The index page over the scenarios: chapters, pictures, lessons and the marked line, as text and nothing else."""

from __future__ import annotations

from dataclasses import replace

from tracer.diagnosis.findings import Finding, GradReport, ParameterReport, Report, ValueReport, Where
from tracer.reports.gallery import Chapter, Entry, render
from tracer.traces import Header

CUT = Where("tracer/scenarios/cut.py", 11, "run", "detach", "cut")
ROW = ParameterReport(
    0, "w", "Net", (), (2,), "float32", "cpu", True, "cut", "error", "certain", "it was cut", "do not", (CUT,), (),
    GradReport(), ValueReport(), ("TR202",),
)  # fmt: skip
FINDING = Finding("TR202", "cut", "error", "certain", (0,), "it was cut at <b>", "do not", (CUT,))
REPORT = Report(Header(), (ROW,), (FINDING,))
TEXT = "It is *cut*.\n\nBecause of ``detach``.\n\nThe lesson: do not.\n\nSource: https://pytorch.org/x"
ENTRY = Entry(
    "cut",
    TEXT,
    ("a = 1", "b = a.detach()"),
    10,
    "cut.py",
    REPORT,
    (("cut/graph.svg", ""),),
    (("full report", "cut/report.html"),),
)


def page(*entries: Entry) -> str:
    return render([Chapter("Reach", "About *it*.", entries)])


def test_an_entry_has_its_picture_story_lesson_verdicts_and_links() -> None:
    text = page(ENTRY)
    assert '<article id="cut"' in text
    assert '<p class="title">It is <em>cut</em>.</p>' in text
    assert '<img src="cut/graph.svg" loading="lazy" alt="Graph of cut: 1 of 1 parameters' in text
    assert "<p>Because of <code>detach</code>.</p>" in text
    assert "<strong>The lesson:</strong> do not." in text
    assert '<span class="chip error">✗ cut</span>' in text
    assert '<a href="cut/report.html">full report</a>' in text
    assert '<a href="https://pytorch.org/x">' in text
    assert "<p>About <em>it</em>.</p>" in text


def test_the_line_of_the_worst_finding_is_marked() -> None:
    assert '<span class="line hit"><span class="number">11</span>b = a.detach()<span class="role">cut</span>' in page(
        ENTRY
    )
    assert '<span class="line"><span class="number">10</span>a = 1' in page(ENTRY)


def test_what_is_not_there_is_not_linked() -> None:
    text = page(replace(ENTRY, pictures=(), links=()))
    assert "<img" not in text
    assert ">full report<" not in text


def test_several_pictures_stand_side_by_side_with_captions() -> None:
    text = page(replace(ENTRY, pictures=(("cut/a/graph.svg", "a"), ("cut/b/graph.svg", "b"))))
    assert '<div class="pictures several">' in text
    assert text.count("<figcaption>") == 2


def test_text_of_programs_is_text() -> None:
    evil = replace(ENTRY, code=("<script>alert(1)</script>",), text="<script>.\n\nx\n\nThe lesson: <i>.")
    text = page(evil)
    assert "<script" not in text
    assert "it was cut at &lt;b&gt;" in text


def test_the_page_asks_for_nothing_over_a_network() -> None:
    text = page(ENTRY)
    assert "default-src 'none'" in text
    assert "http" not in text.replace("https://pytorch.org/x", "").replace("http-equiv", "")
