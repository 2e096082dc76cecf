"""The summary in Markdown, read by a real Markdown parser."""

from __future__ import annotations

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports import markdown
from tracer.traces import Trace

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py comes with rich")


def html(trace: Trace) -> str:
    text = markdown.render(trace, diagnose(trace))
    return str(markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(text))


def test_it_tells_the_answer_the_finding_and_every_parameter(broken: Trace) -> None:
    page = html(broken)
    assert "<strong>2 of 6 parameters do not train as they should: 2 cut.</strong>" in page
    assert "<h2>✗ TR202 cut</h2>" in page
    assert "<code>train.py:5</code> in <code>forward</code> (the path is cut here)" in page
    assert "&gt;    5 x = y.detach()" in page
    assert page.count("<tr>") == 7
    assert "<td><code>encoder.layers.0.weight</code></td>" in page


def test_hostile_names_are_text(hostile: Trace) -> None:
    page = html(hostile)
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<tr>") == 7
