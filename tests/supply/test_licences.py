"""What comes with tracer may be used in any program."""

from __future__ import annotations

import pytest

from tests.supply.licences import Licensed, dependencies


def test_every_dependency_declares_a_licence_that_allows_use_in_any_program() -> None:
    # NVIDIA's own packages come with a CUDA build of torch, and declare nothing that could be read
    found = [one for one in dependencies() if not one.name.startswith(("nvidia-", "cuda-"))]
    assert {"torch", "jinja2", "MarkupSafe", "graphviz-pure"} <= {one.name for one in found}
    assert [one for one in found if not one.known] == []


@pytest.mark.parametrize(
    ("licence", "known"),
    [
        ("", False),
        ("GPL-3.0-only", False),
        ("MIT AND Proprietary", False),
        ("MIT OR GPL-3.0-only", True),
        ("(MIT AND Zlib) AND (Apache-2.0 OR BSD-2-Clause)", True),
    ],
)
def test_all_licences_that_hold_must_be_known_and_one_of_those_to_choose_from(licence: str, known: bool) -> None:
    assert Licensed("x", "1", licence, "y").known is known
