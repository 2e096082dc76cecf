"""Tracing changes nothing for PyTorch's own modules, optimizers and ops: a part of what ``make neutral`` runs."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.neutral.__main__ import check
from tests.neutral.databases import Case, cases

pytest.importorskip("expecttest", reason="PyTorch's test databases need expecttest")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "every"), [("module", 6), ("optimizer", 3), ("op", 24)])
def test_nothing_differs_in_a_part_of_the_database(kind: str, every: int) -> None:
    results = {case.name: check(case) for case in islice(cases(kind), 1, None, every)}
    assert {name: result for name, result in results.items() if result[0] == "differs"} == {}
    assert sum(result[0] == "equal" for result in results.values()) >= 5


def test_a_case_that_raises_without_tracing_is_left_out() -> None:
    def broken() -> None:
        raise ValueError("no")

    assert check(Case("op", "broken", broken)) == ("left out", "it raises untraced: ValueError: no")


def test_a_case_that_differs_from_itself_is_left_out() -> None:
    turns = iter(range(9))
    assert check(Case("op", "counter", lambda: next(turns))) == (
        "left out",
        "two untraced runs differ from each other",
    )
