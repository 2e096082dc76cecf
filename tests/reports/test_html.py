"""``report.html`` and ``diff.html`` as text: self-contained, escaped, linkable, guarded by a policy."""

from __future__ import annotations

import base64
import hashlib
import html
import itertools
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports import html as page
from tracer.reports.comparison import Comparison, render_diff
from tracer.traces import Trace

Build = Callable[..., Trace]


class Tags(HTMLParser):
    """Collects start tags, ids and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.scripts:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}", {}))

    @property
    def ids(self) -> list[str]:
        return [attrs["id"] or "" for _, attrs in self.tags if "id" in attrs]


def rendered(trace: Trace, **options: object) -> str:
    return page.render(trace, diagnose(trace), **options)


@pytest.fixture(scope="module")
def text(broken: Trace) -> str:
    return rendered(broken)


def policy(text: str) -> str:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    return html.unescape(found[1])


def test_the_page_loads_nothing_from_anywhere(text: str) -> None:
    for tag, attrs in Tags(text).tags:
        for name in ("src", "href", "action", "data", "xlink:href", "srcset"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, attrs)
    assert "@import" not in text and "url(" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_policy_allows_the_scripts_that_are_there_and_no_others(text: str) -> None:
    allowed = set(re.findall(r"'sha256-[^']*'", policy(text)))
    running = [body for attrs, body in Tags(text).scripts if "type" not in attrs]
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" for body in running}
    assert len(running) == 5
    assert hashes <= allowed
    assert len(allowed - hashes) == 1  # the chart library, once it is unpacked
    assert "default-src 'none'" in policy(text)
    assert "unsafe-eval" not in policy(text)


def test_no_tag_carries_a_script_of_its_own(text: str) -> None:
    assert not [attrs for _, attrs in Tags(text).tags if any(name.startswith("on") for name in attrs)]


def test_ids_are_unique_outside_of_templates(text: str) -> None:
    shown = re.sub(r"<template.*?</template>", "", text, flags=re.DOTALL)
    ids = Tags(shown).ids
    assert sorted(ids) == sorted(set(ids))


def test_each_parameter_and_finding_can_be_linked_to(text: str) -> None:
    ids = set(Tags(text).ids)
    assert {"tr202", "param-encoder.layers.0.weight", "param-encoder.layers.5.weight"} <= ids


def test_headings_go_down_one_level_at_a_time(text: str) -> None:
    levels = [int(tag[1]) for tag, _ in Tags(text).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_hostile_names_are_text_everywhere(hostile: Trace) -> None:
    text = rendered(hostile)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert len([1 for attrs, _ in Tags(text).scripts if "type" not in attrs]) == 5


def test_hostile_names_are_text_in_comparisons(hostile: Trace, healthy: Trace) -> None:
    sides = [(trace, diagnose(trace)) for trace in (hostile, healthy)]
    diff = render_diff(sides[0], sides[1], ("<script>alert(1)</script>", "b"))
    comparison = Comparison({"<script>alert(1)</script>": sides[0], "b": sides[1]})
    whole = rendered(healthy, side_by_side=comparison)
    assert "<script>alert" not in diff
    assert "<script>alert" not in whole


def test_charts_come_with_their_numbers_as_a_table(text: str) -> None:
    assert 'id="chart-gradients"' in text and 'id="chart-updates"' in text and 'id="chart-steps"' in text
    assert re.search(r"encoder\.layers\.1\.weight</th><td>cut</td><td class=\"num\">none</td>", text)
    assert re.search(r"encoder\.layers\.3\.weight</th><td>updated</td><td class=\"num\">0\.375 \(0\.25 to 0\.5\)", text)


def test_a_parameter_in_trouble_shows_the_way_of_its_gradient(text: str) -> None:
    ways = re.findall(r'<pre class="way"[^>]*>(.*?)</pre>', text, re.DOTALL)
    assert len(ways) == 2
    assert ways[0].endswith("  STOPS: detach at train.py:5; encoder.layers.0.weight lies behind it")


def test_a_small_model_gets_no_charts_and_a_small_page(build: Build) -> None:
    text = rendered(build(3))
    assert "chart-gradients" not in text
    assert len(text) < 200_000


def test_a_long_table_names_places_and_leaves_their_source_to_the_findings(build: Build) -> None:
    text = rendered(build(301, cut=1), charts=False)
    cards, table = text.split('<table id="parameters">')
    row = table.split('id="param-encoder.layers.0.weight"')[1].partition("</tr>")[0]
    assert "train.py:5" in row and '<pre class="code"' not in row
    assert "x = y.detach()" in cards


def test_a_page_without_plotly_says_so_and_keeps_the_numbers(broken: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "plotly", lambda: None)
    text = rendered(broken)
    assert "No charts: the package plotly is not installed." in text
    assert "The numbers behind the charts" in text
    assert "chart-library" not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_page_without_layout_engine_says_why_and_keeps_the_rest(broken: Trace) -> None:
    text = rendered(broken, engine="nonsense")
    assert "No picture: there is no layout engine &#39;nonsense&#39;." in text
    assert 'id="param-encoder.layers.0.weight"' in text


def test_the_boxes_that_differ_are_marked_in_both_pictures(healthy: Trace, broken: Trace) -> None:
    sides = [(trace, diagnose(trace)) for trace in (healthy, broken)]
    text = render_diff(sides[0], sides[1], ("before", "after"))
    assert "Parameters: 2 worse; 4 have the same verdict in both." in text
    pictures = text.split('class="picture"')[1:]
    assert len(pictures) == 2
    assert all(re.search(r'class="node [^"]* differs"', picture) for picture in pictures)
    assert sorted(Tags(text).ids) == sorted(set(Tags(text).ids))


def test_a_comparison_shows_what_differs_with_a_word_and_what_is_equal(healthy: Trace, broken: Trace) -> None:
    sides = {"good": (healthy, diagnose(healthy)), "bad": (broken, diagnose(broken))}
    comparison = Comparison(sides, links={"good": "good/report.html"})
    assert [row["cell"] for row in comparison.differing if row["name"] == "encoder.layers.0.weight"] == [
        "grad",
        "verdict",
    ]
    text = rendered(healthy, side_by_side=comparison)
    assert '<a href="good/report.html">good</a>' in text
    assert "≠ differs" in text
