"""Meta-test over all rules, never edited for a rule: each fires on its bad program and on nothing else."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.diagnosis.findings import Report
from tracer.diagnosis.rank_rules import all_rank_rules
from tracer.diagnosis.rules import Rule, all_rules
from tracer.diagnosis.verdicts import CODES

torch = pytest.importorskip("torch")

RULES = all_rules()
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])


def record(program: Callable[[Any], None]) -> Report:
    """Run a program under a recorder and diagnose what was recorded."""
    from tracer.recording.session import Session

    session = Session()
    with session:
        program(torch)
    report = diagnose(session.trace)
    assert not [note for note in report.notes if "the rule itself failed" in note]
    return report


def alarms(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.severity in ("error", "warning")}


@each_rule
def test_bad_program_fires_this_rule_and_no_other(rule: Rule) -> None:
    report = record(rule.bad)
    codes = {finding.code for finding in report.findings}
    assert rule.code in codes, [(p.name, p.verdict, p.message) for p in report]
    assert alarms(report) <= {rule.code, *rule.companions}, [(f.code, f.message) for f in report.findings]


@each_rule
def test_good_program_raises_no_alarm_and_not_this_rule(rule: Rule) -> None:
    report = record(rule.good)
    assert len(report) > 0
    assert alarms(report) == set(), [(f.code, f.message) for f in report.findings]
    assert rule.code not in {finding.code for finding in report.findings}
    assert {p.verdict for p in report} <= {"updated", "frozen"}, [(p.name, p.verdict, p.message) for p in report]


@each_rule
def test_bad_program_gives_the_rules_verdict_to_some_parameter(rule: Rule) -> None:
    if not CODES[rule.code].primary or CODES[rule.code].severity == "info":
        pytest.skip("a finding beside another verdict")
    assert rule.name in {p.verdict for p in record(rule.bad)}


@each_rule
def test_findings_point_at_lines_of_the_program(rule: Rule) -> None:
    report = record(rule.bad)
    finding = next(f for f in report.findings if f.code == rule.code)
    file = inspect.getsourcefile(rule.module) or ""
    lines = [w.line for w in finding.where if file.endswith(w.file) or w.file.endswith(file.rpartition("/")[2])]
    assert lines, finding


@each_rule
def test_docstring_says_what_why_fix_and_source(rule: Rule) -> None:
    paragraphs = re.split(r"\n\s*\n", rule.text.strip())
    assert len(paragraphs) >= 4
    assert paragraphs[0].endswith(".")
    assert any(p.startswith("Fix: ") for p in paragraphs)
    assert re.search(r"^Source: https://\S+$", rule.text, re.MULTILINE)


def test_codes_and_names_are_unique_and_those_of_the_table() -> None:
    rules = [*RULES, *all_rank_rules()]
    assert len({rule.code for rule in rules}) == len(rules)
    assert {(rule.code, rule.name) for rule in rules} == {(row.code, row.name) for row in CODES.values()}
