"""Odd tensors, odd modules, and other modes at work: nothing differs, and nothing of the tracer fails."""

from __future__ import annotations

import pytest

import tracer
from tests.neutral.adversaries import ADVERSARIES
from tests.neutral.observing import differences


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ADVERSARIES)
def test_a_traced_run_equals_an_untraced_one(name: str) -> None:
    assert differences(ADVERSARIES[name], "full") == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ADVERSARIES)
def test_the_recorder_copes_and_the_report_comes(name: str) -> None:
    with tracer.record(detail="full") as recording:
        ADVERSARIES[name]()
    assert [note for note in recording.report().notes if "the tracer failed" in note] == []
