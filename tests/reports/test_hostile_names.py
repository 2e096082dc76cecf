"""Every text that a traced program chooses is hostile at once: no format, page, log or file name is moved by it.

A format that is entered in the registry is tested here from then on; one of a kind not known yet must at least stay
free of control characters and write no file but its own.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Report
from tracer.events import ErrorRaised, Noted, TermDropped
from tracer.reports.registry import FORMATS, render
from tracer.reports.writing import write
from tracer.traces import Trace

Build = Callable[..., Trace]

#: Texts that one reader or another would take for more than text.
MARKUP = "".join(
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\" onload=\"alert(1)", "' onclick='alert(1)",
        "</style></title></text></svg>-->]]><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>&b;",
        "{{ 7*7 }}{% include '/etc/passwd' %}", "\"]; evil [URL=\"javascript:alert(1)\"]; x [label=\"", "<<B>b</B>>",
        "[x](javascript:alert(1))![y](http://z/)`|a|b|<br>", "::error file=a,line=1::pwned%0A::add-mask::x",
        "[bold]rich[/bold][/]", "\\", "\\N\\G\\l\\",
    ]
)  # fmt: skip
INVISIBLE = (
    "\x1b[2J\x1b]0;title\x07\x9b31m\x08\r\x00\x7f\x85\u200b\u200e\u202e\u2066\u2028\u2029\ufeff\ud800\udcff\U000e0041"
)
LINES = "\n::error::pwned\n\n# heading\n| a | b |\r\n- item\n\x0b\x0c"
PATH = "/../../../../etc/passwd\\..\\..\\C:\\x"
LONG = "long." * 40 + "x" * 20_000
PAYLOADS = {"markup": MARKUP, "invisible": INVISIBLE, "lines": LINES, "path": PATH, "long": LONG}
PLAIN = "plain"

#: Fields whose texts the tracer chooses itself.
_WORDS = {"kind", "when", "how", "call", "fingerprint", "torch", "python"}
#: What a reader must never meet as it is: controls, text that runs backwards or hides, half characters.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def poisoned(value: Any, payload: str) -> Any:
    """Return events with ``payload`` behind every text that the traced program chooses."""
    if isinstance(value, str):
        return value + payload
    if isinstance(value, tuple):
        return tuple(poisoned(item, payload) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    own = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in _WORDS or type(value) is ErrorRaised}
    return replace(value, **{name: poisoned(item, payload) for name, item in own.items()})


@pytest.fixture(scope="module")
def traced(build: Build) -> Callable[[str], tuple[Trace, Report]]:
    """Return trace and report with a payload in every text; each made once."""
    known: dict[str, tuple[Trace, Report]] = {}
    base = build(cut=2)
    more = (Noted("a note "), TermDropped(1, 1, 1, 2, "detach", (0,)), ErrorRaised(2, "ValueError", "no ", 1))

    def made(payload: str) -> tuple[Trace, Report]:
        if payload not in known:
            trace = poisoned(Trace(base.header, (*base.events, *more)), payload)
            known[payload] = (trace, diagnose(trace))
        return known[payload]

    return made


# --------------------------------------------------------------------------- what each kind of text must be


class Tags(HTMLParser):
    """Collects (tag, attribute) pairs and addresses, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.addresses: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]


def no_new_tag(text: str, plain: str) -> None:
    found, known = Tags(text), Tags(plain)
    assert found.found <= known.found
    assert [a for a in found.addresses if re.match(r"\s*(javascript|data:text|https?:|//)", a)] == [
        a for a in known.addresses if re.match(r"\s*(javascript|data:text|https?:|//)", a)
    ]


def xml_of_the_same_kinds(text: str, plain: str) -> None:
    def kinds(source: str) -> set[tuple[str, str]]:
        return {(e.tag, name) for e in ElementTree.fromstring(source).iter() for name in ("", *e.attrib)}

    assert kinds(text) <= kinds(plain)
    assert "<!ENTITY" not in text


def json_of_the_same_keys(text: str, plain: str) -> None:
    def keys(source: str) -> set[str]:
        found: set[str] = set()
        todo: list[Any] = [json.loads(source)]
        for item in todo:  # grows while it is read
            found |= set(item) if isinstance(item, dict) else set()
            todo += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        return found

    assert keys(text) <= keys(plain)
    assert text.isascii()


def as_many_commands(text: str, plain: str) -> None:
    assert [line[:9] for line in text.splitlines()] == [line[:9] for line in plain.splitlines()]
    form = re.compile(r"::(error|warning|notice) (file=[^,:]*,line=\d+,)?title=[^,:]*::")
    assert all(form.match(line) for line in text.split("\n")[:-1])


def markdown_of_the_same_shape(text: str, plain: str) -> None:
    def shape(source: str) -> list[str]:
        return [line[:2] for line in source.splitlines() if line[:2].strip() and line[0] in "#|-*`<>!"]

    assert shape(text) == shape(plain)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|^    .*$", "", text, flags=re.MULTILINE)
    assert not re.search(r"(?<!\\)<\w|(?<!\\)\]\(", outside)


def dot_of_the_same_nodes(text: str, plain: str) -> None:
    from tracer.drawing.engines import lay_out

    assert drawn_nodes(lay_out(text, "svg")) == drawn_nodes(lay_out(plain, "svg"))


def drawn_nodes(svg: Any) -> int:
    text = svg.decode() if isinstance(svg, bytes) else svg
    return text.count('class="node')


def no_control(text: str, plain: str) -> None:
    """All that is asked of plain text."""


CHECKS: dict[str, Callable[[str, str], None]] = {
    "html": no_new_tag, "svg": xml_of_the_same_kinds, "graphml": xml_of_the_same_kinds,
    "json": json_of_the_same_keys, "sarif": json_of_the_same_keys, "nodelink": json_of_the_same_keys,
    "github": as_many_commands, "md": markdown_of_the_same_shape, "dot": dot_of_the_same_nodes,
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("name", FORMATS)
def test_a_hostile_text_stays_text(name: str, payload: str, traced: Any) -> None:
    hostile, plain = render(name, *traced(PAYLOADS[payload])), render(name, *traced(PLAIN))
    assert len(hostile) < 20 * len(plain) + 500 * len(PAYLOADS[payload]) + 100_000
    if isinstance(hostile, bytes):
        assert hostile[:4] == plain[:4]
        return
    assert _HIDDEN.search(hostile) is None
    CHECKS.get(name, no_control)(hostile, str(plain))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_all_formats_write_their_own_files_and_no_other(
    payload: str, traced: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a" / "b" / "c" / "d" / "out"
    out.mkdir(parents=True)
    write(*traced(PAYLOADS[payload]), out, tuple(FORMATS))
    assert capsys.readouterr().err == ""
    assert {p.relative_to(out).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == {
        known.file for known in FORMATS.values()
    }


def test_a_name_that_reads_like_the_end_of_a_list_is_escaped_too(build: Build) -> None:
    trace = build(cut=2, name="and <i>more</i>")
    assert "<i>" not in str(render("html", trace, diagnose(trace)))
    assert re.sub("`[^`]+`", "", str(render("md", trace, diagnose(trace)))).count("<i>") == 0


# --------------------------------------------------------------------------- what is no format


def notebook(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.reports.notebook import mimebundle

    bundle = mimebundle(trace, report)
    yield no_control, bundle["text/plain"]
    yield no_new_tag, bundle["text/html"]
    yield xml_of_the_same_kinds, bundle["image/svg+xml"]


def explained(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.commands.explain import explain
    from tracer.reports.words import clean

    for row in report.parameters[:3]:
        yield no_control, "".join(f"{clean(line)}\n" for line in explain(trace, report, row))


def differences(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.reports.changes import compare, lines, summary
    from tracer.reports.comparison import render_diff
    from tracer.reports.words import clean

    other = replace(report, parameters=report.parameters[1:])
    changes = compare(report, other)
    yield no_control, "\n".join(clean(line) for line in [summary(changes), *lines(changes)])
    yield no_new_tag, render_diff((trace, report), (trace, other), (trace.header.program, "b"))


def failures(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.integrations.failures import failure_text, finding_text

    yield no_control, failure_text("parameters do not train:", report.parameters, report)
    for finding in report.findings:
        yield no_control, finding_text(finding, report)


def indexed(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.reports.gallery import Chapter, Entry
    from tracer.reports.gallery import render as render_gallery

    entry = Entry("plain", "One.\n\nThe lesson: two.", ("pass",), 1, "plain.py", report, (("a.svg", ""),))
    yield no_new_tag, render_gallery([Chapter("Title", "Text.", (entry,))])


def logged(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    from tracer.integrations.samples import sample_of, told
    from tracer.integrations.sinks.logs import LoggingSink

    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tracer.watch")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        ended = tuple(told(finding, report) for finding in report.findings)
        LoggingSink().write(sample_of(1, report, report.findings, ended))
    finally:
        logger.setLevel(logging.NOTSET)
        logger.removeHandler(handler)
    yield no_control, "\n".join(lines)


def to_a_file(trace: Trace, report: Report) -> Iterable[tuple[Callable[[str, str], None], str]]:
    import tempfile

    from tracer.integrations.samples import sample_of, told
    from tracer.integrations.sinks.jsonl import JsonlSink

    ended = tuple(told(finding, report) for finding in report.findings)
    with tempfile.TemporaryDirectory() as folder:
        sink = JsonlSink(f"{folder}/x.jsonl")
        sink.write(sample_of(1, report, report.findings, ended))
        sink.close()
        text = Path(folder, "x.jsonl").read_text()
    assert text.count("\n") == 1
    yield no_control, text


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("output", [notebook, explained, differences, failures, indexed, logged, to_a_file])
def test_a_hostile_text_stays_text_outside_the_formats(output: Any, payload: str, traced: Any) -> None:
    plain = list(output(*traced(PLAIN)))
    for i, (check, text) in enumerate(output(*traced(PAYLOADS[payload]))):
        assert _HIDDEN.search(text) is None
        check(text, plain[i][1])
