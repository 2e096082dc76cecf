"""The index page over the scenarios: a tutorial in chapters, each entry with picture, program and lesson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from tracer.diagnosis.findings import Report
from tracer.reports.prose import inline, paragraphs, to_html
from tracer.reports.words import LOOKS, answer, clean, shortened

_LESSON, _SOURCE = "The lesson: ", "Source: "


@dataclass(frozen=True, slots=True)
class Entry:
    """One scenario, and where its files lie."""

    name: str
    text: str  #: its docstring
    code: tuple[str, ...]  #: the lines of its program
    first: int  #: line number of ``code[0]``
    file: str  #: name of the program's file
    report: Report
    pictures: tuple[tuple[str, str], ...]  #: (address relative to the page, caption; "" for the only one)
    links: tuple[tuple[str, str], ...] = ()  #: (label, address relative to the page) of the full reports


@dataclass(frozen=True, slots=True)
class Chapter:
    """Entries that belong together."""

    title: str
    text: str
    entries: tuple[Entry, ...]


def render(chapters: Sequence[Chapter]) -> str:
    """Return the page. It holds no script and asks for nothing but the pictures beside it."""
    from jinja2 import Environment
    from markupsafe import Markup

    names = {entry.name for chapter in chapters for entry in chapter.entries}
    folder = resources.files("tracer.reports").joinpath("templates")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["prose"] = lambda text: Markup("".join(to_html(part, names) for part in paragraphs(text)))
    template = environment.from_string(folder.joinpath("gallery.html").read_text(encoding="utf-8"))
    style = folder.joinpath("gallery.css").read_text(encoding="utf-8")
    shown = [{"title": c.title, "text": c.text, "entries": [_entry(e, names) for e in c.entries]} for c in chapters]
    return template.render(chapters=shown, style=Markup(style), count=len(names), looks=LOOKS) + "\n"


def _entry(entry: Entry, names: set[str]) -> dict[str, object]:
    from markupsafe import Markup

    parts = paragraphs(entry.text)
    story = [part for part in parts[1:] if not part.startswith((_LESSON, _SOURCE))]
    lesson = next((part.removeprefix(_LESSON) for part in parts if part.startswith(_LESSON)), "")
    source = next((part.removeprefix(_SOURCE).strip() for part in parts if part.startswith(_SOURCE)), "")
    marked = _marked(entry)
    return {
        "name": entry.name,
        "title": Markup(inline(parts[0].replace("\n", " "), names)),
        "story": [Markup(to_html(part, names)) for part in story],
        "lesson": Markup(inline(lesson.replace("\n", " "), names)),
        "source": source,
        "answer": clean(answer(entry.report)),
        "worst": entry.report.worst,
        "verdicts": _verdicts(entry.report),
        "findings": [f for f in _findings(entry.report) if f["severity"] in ("error", "warning")],
        "code": [(n, line, marked.get(n, "")) for n, line in enumerate(entry.code, entry.first)],
        "pictures": entry.pictures,
        "links": entry.links,
    }


def _verdicts(report: Report) -> list[tuple[str, str, str]]:
    """Return (parameters as few names, verdict, severity), in the order of the parameters."""
    everyone = [report.name_of(row.leaf) for row in report]
    kinds = dict.fromkeys((row.verdict, row.severity) for row in report)
    named = {kind: [report.name_of(r.leaf) for r in report if (r.verdict, r.severity) == kind] for kind in kinds}
    also = {report.name_of(row.leaf): row.aliases for row in report if row.aliases}
    texts = {kind: ", ".join(shortened(names, everyone)) for kind, names in named.items()}
    for kind, names in named.items():
        texts[kind] += "".join(f"; {name} is also {' and '.join(also[name])}" for name in names if name in also)
    return [(clean(text), *kind) for kind, text in texts.items()]


def _findings(report: Report) -> list[dict[str, str]]:
    return [
        {
            "code": finding.code,
            "name": finding.name,
            "severity": finding.severity,
            "message": clean(finding.message),
            "fix": clean(finding.fix),
        }
        for finding in report.findings
    ]


def _marked(entry: Entry) -> dict[int, str]:
    """Return line number -> what the line is to the worst finding: "cut", "step", "optimizer", ..."""
    found = [f for f in entry.report.findings if f.severity in ("error", "warning")]
    places = [where for finding in found[:1] for where in finding.where]
    return {w.line: w.role for w in reversed(places) if w.file.rpartition("/")[2] == entry.file and w.role != "made"}
