"""Docstrings become HTML: what is marked is marked up, everything else stays text."""

from __future__ import annotations

from tracer.reports.prose import inline, paragraphs, to_html


def test_code_emphasis_and_links_are_marked_up() -> None:
    assert inline("``a < b`` is *not* 2 * 3 * 4") == "<code>a &lt; b</code> is <em>not</em> 2 * 3 * 4"
    assert inline("https://x.org/?a=1&b") == '<a href="https://x.org/?a=1&amp;b">https://x.org/?a=1&amp;b</a>'


def test_text_stays_text() -> None:
    assert inline('<b>&"x') == "&lt;b&gt;&amp;&quot;x"
    assert inline("``<script>``") == "<code>&lt;script&gt;</code>"


def test_the_name_of_another_entry_is_a_link_only_where_it_is_meant() -> None:
    names = {"detach"}
    assert inline("see ``detach``", names) == 'see <a href="#detach"><code>detach</code></a>'
    assert inline("call ``detach`` here", names) == "call <code>detach</code> here"


def test_paragraphs_are_joined_lines() -> None:
    assert [to_html(part) for part in paragraphs("one\ntwo\n\n  \nthree\n")] == ["<p>one two</p>", "<p>three</p>"]


def test_a_simple_table_keeps_its_columns() -> None:
    text = "====  =====\nname  value\n====  =====\n``a``   1 2\nb     <3>\n====  ====="
    assert to_html(text).count("<tr>") == 3
    assert '<th scope="col">name</th><th scope="col">value</th>' in to_html(text)
    assert "<td>b</td><td>&lt;3&gt;</td>" in to_html(text)
