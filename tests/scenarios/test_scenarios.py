"""Meta-test over all scenarios: each ends with the verdicts and findings that it says, and teaches something.

All rules run on all scenarios and the whole set of findings is compared, so this is the test for false alarms too.
"""

from __future__ import annotations

import re

import pytest

from tracer.diagnosis.verdicts import CODES, VERDICTS
from tracer.scenarios import registry

pytest.importorskip("torch")

NAMES = registry.names()
each_scenario = pytest.mark.parametrize("name", NAMES)


@each_scenario
def test_a_scenario_ends_with_the_verdicts_and_findings_that_it_says(name: str) -> None:
    from tracer.api import diagnose
    from tracer.commands.scenario import record_scenario

    module = registry.load(name)
    report = diagnose(record_scenario(name, "cpu", None, 0))
    assert {report.name_of(row.leaf): row.verdict for row in report} == module.EXPECTED
    assert {finding.code for finding in report.findings} == module.FINDINGS
    assert report.notes == ()


@each_scenario
def test_a_scenario_teaches_a_lesson_and_names_its_source(name: str) -> None:
    paragraphs = re.split(r"\n\s*\n", registry.text(name))
    assert paragraphs[0] == registry.title(name)
    assert paragraphs[0].endswith((".", "?"))
    assert len(registry.title(name)) <= 120
    assert len(paragraphs) >= 4
    assert sum(paragraph.startswith("The lesson: ") for paragraph in paragraphs) == 1
    assert re.fullmatch(r"Source: https://\S+", paragraphs[-1])


@each_scenario
def test_a_scenario_says_which_verdict_each_parameter_gets(name: str) -> None:
    module = registry.load(name)
    assert module.EXPECTED
    assert set(module.EXPECTED.values()) <= VERDICTS.keys()
    assert set(module.FINDINGS) <= CODES.keys()
    assert module.STEPS >= 1


def test_every_scenario_stands_in_a_chapter_and_every_chapter_holds_some() -> None:
    assert {registry.chapter(name) for name in NAMES} == set(registry.CHAPTERS)
    files = {path.stem for path in registry.source("detach").parent.glob("*.py")}
    assert files - set(NAMES) == {"__init__", "registry", "four_layers"}


def test_every_verdict_that_one_process_can_show_has_a_scenario() -> None:
    shown = {verdict for name in NAMES for verdict in registry.load(name).EXPECTED.values()}
    found = {code for name in NAMES for code in registry.load(name).FINDINGS}
    between_ranks = {"TR601", "TR602"}
    assert set(CODES) - found == between_ranks
    assert {row.name for row in VERDICTS.values() if row.primary and row.code not in between_ranks} - shown == set()
