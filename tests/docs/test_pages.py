"""What the pages show is true: their programs run, their tables name what there is, their links lead somewhere."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tracer
from tests.docs.shown import FENCE, blocks
from tracer.commands import COMMANDS
from tracer.reports.registry import render
from tracer.scenarios import registry

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
#: their programs are run elsewhere: rules are judged with their examples, in tests/diagnosis/test_rules_live.py
WITH_PROGRAMS = [name for name, text in PAGES.items() if blocks("python", text) and name != "rules"]


@pytest.mark.parametrize("name", WITH_PROGRAMS)
def test_the_programs_of_a_page_run_one_after_the_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks("python", PAGES[name])))
    runpy.run_path(str(program))


def test_pages_with_programs_are_found() -> None:
    assert {"ci", "getting-started", "migration", "watching"} <= set(WITH_PROGRAMS)


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"rules", "scenarios"}))
def test_commands_and_links_in_the_text_exist(name: str) -> None:
    text = FENCE.sub("", PAGES[name])
    named = {code.split()[0] for code in re.findall(r"`tracer ([a-z_][^`]*)`", text)}
    assert named <= {*COMMANDS, *registry.names()}
    made_by_the_site = {"index.md", "examples.md", "contributing.md"}
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert target in made_by_the_site or (DOCS / target).is_file(), target


def described(section: str) -> set[str]:
    """Return the fields that the table under a heading of report-json.md names."""
    (body,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGES["report-json"], re.M | re.S)
    return set(re.findall(r"^\| `(\w+)` \|", body, re.MULTILINE))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the report of a model with small and large parameters, one of them cut."""
    import torch

    torch.manual_seed(0)
    encoder, head = torch.nn.Linear(2, 100), torch.nn.Linear(100, 1)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.1)
    with tracer.record({"encoder": encoder, "head": head}, optimizer) as recording:
        head(encoder(torch.ones(1, 2)).detach()).sum().backward()
        optimizer.step()
    text = render("json", recording.trace, recording.report())
    assert isinstance(text, str)
    made: dict[str, Any] = json.loads(text)
    return made


def parts(document: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each section of the page with all objects that it describes."""
    rows, findings = document["parameters"], document["findings"]
    yield "The document", [document]
    yield "Each of `parameters`", rows
    yield "`optimizers`", [owner for row in rows for owner in row["optimizers"]]
    yield "`grad`", [row["grad"] for row in rows]
    yield "`value`", [row["value"] for row in rows]
    yield "`where`", [where for thing in (*rows, *findings) for where in thing["where"]]
    yield "Each of `findings`", findings
    yield "`graph`", [document["graph"]]


def test_the_page_on_the_report_names_exactly_the_fields_that_a_report_has(document: dict[str, Any]) -> None:
    elsewhere = {"gpus"} - document.keys()  # only where there are some
    for section, things in parts(document):
        assert things, section
        assert {key for thing in things for key in thing} == described(section) - elsewhere, section
        always = described(section) - {"values", "before", "after", "gpus"}
        assert all(always <= thing.keys() for thing in things), section


def test_commands_options_and_verdicts_named_beside_other_tools_exist() -> None:
    from tracer.diagnosis.verdicts import VERDICTS

    text = PAGES["peers"]
    named = set(re.findall(r"`tracer (\w+)", text)) - {"run", "explain", "NAME"}
    assert named - set(registry.names()) == set()
    assert set(re.findall(r"`(?:tracer [^`]*)?(--[a-z]+)", text)) <= set(
        re.findall(r"--[a-z-]+", PAGES["command-line"])
    )
    assert set(re.findall(r"`([a-z]+_[a-z_]+)`", text.split("## What people ask for")[1].split("## ")[0])) <= set(
        VERDICTS
    )
    assert all(hasattr(tracer, name) for name in re.findall(r"`tracer\.(\w+)", text))
