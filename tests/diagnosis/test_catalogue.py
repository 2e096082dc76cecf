"""The generated guide names every rule, its fix and its source."""

from __future__ import annotations

import pytest

from tracer.diagnosis.catalogue import every_rule, find_rule, list_rules, render_guide, rule_text
from tracer.diagnosis.verdicts import CODES, PRIORITY, VERDICTS
from tracer.errors import UsageError


def test_guide_holds_every_rule_with_fix_and_source() -> None:
    guide = render_guide()
    assert [code for code in CODES if f"### {code} " not in guide] == []
    assert guide.count("**Fix:**") == len(every_rule())
    assert guide.count("Source: https://") == len(every_rule())


def test_rule_is_found_by_code_and_by_name() -> None:
    assert find_rule("tr202").name == "cut"
    assert find_rule("cut").code == "TR202"
    assert rule_text("TR302").count("TR302.ratio = 1e-05") == 1
    with pytest.raises(UsageError, match="there is no rule 'TR999'"):
        find_rule("TR999")


def test_list_has_one_line_per_rule() -> None:
    assert len(list_rules()) == len(CODES)
    assert list_rules()[0][:3] == ("TR101", "not_in_optimizer", "error")


def test_priority_holds_every_primary_verdict_once() -> None:
    wanted = {row.name for row in VERDICTS.values() if row.primary and row.code}
    assert sorted(PRIORITY) == sorted(wanted)
