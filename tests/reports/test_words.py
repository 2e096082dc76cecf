"""Texts that all formats share."""

from __future__ import annotations

import pytest

from tracer.reports.words import clean, dedented, elide, short_file, shortened


@pytest.mark.parametrize(
    ("name", "most", "shown"),
    [
        ("head.weight", 20, "head.weight"),
        ("encoder.layers.11.attention.query.weight", 32, "encoder.layers.11…query.weight"),
        ("encoder.layers.11.attention.query.weight", 20, "encoder…query.weight"),
        ("averyveryverylongsinglename", 10, "…inglename"),
    ],
)
def test_a_long_name_gives_way_in_its_middle_at_dots(name: str, most: int, shown: str) -> None:
    assert elide(name, most) == shown
    assert len(shown) <= most


def test_a_library_file_is_named_from_its_package_on() -> None:
    assert short_file("/usr/lib/python3.11/site-packages/timm/layers.py") == "timm/layers.py"
    assert short_file("train.py") == "train.py"


def test_indentation_that_all_lines_share_is_dropped() -> None:
    assert dedented(("        if a:", "            b", "")) == ["if a:", "    b", ""]
    assert dedented(()) == []


def test_terminal_escapes_and_reversed_text_stay_visible() -> None:
    assert clean("a\x1b[31mb\u202ec") == "a\\x1b[31mb\\x202ec"


@pytest.mark.parametrize(
    ("names", "others", "shown"),
    [
        (["a.w", "a.b"], ["c.w"], ["a.*"]),
        (["a.w"], ["a.b"], ["a.w"]),
        (["a.0.w", "a.0.b", "a.1.w"], ["a.2.w"], ["a.0.*", "a.1.w"]),
        (["a.w", "b.w"], [], ["a.w", "b.w"]),
        (["w", "a.w", "a.b"], ["b"], ["w", "a.*"]),
        ([f"m{i}.w" for i in range(9)], ["z"], ["m0.w", "m1.w", "m2.w", "m3.w", "m4.w", "and 4 more"]),
        ([f"m{i}.w" for i in range(9)], [], ["* (all parameters)"]),
    ],
)
def test_names_are_told_as_globs_that_hold_no_other(names: list[str], others: list[str], shown: list[str]) -> None:
    assert shortened(names, [*names, *others]) == shown
