"""The SVG: self-contained, scalable, light and dark, with names and tooltips."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.drawing.picture import svg_text
from tracer.drawing.style import DARK, LOOKS, stylesheet
from tracer.errors import UsageError
from tracer.traces import Trace

Blocks = Callable[..., Trace]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(trace: Trace, **options: object) -> str:
    return svg_text(trace, diagnose(trace), **options)


@pytest.fixture
def svg(blocks: Blocks) -> str:
    return drawn(blocks(2, frozen=1))


def test_it_scales_and_tells_what_it_is(svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox")
    assert root.get("role") == "img"
    assert "max-width:100%" in (root.get("style") or "")
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]
    assert root[0].text == "blocks"
    assert root[1].text == "4 parameters:    ✓ 2 updated    ❄ 2 frozen"


def test_it_needs_no_other_file(svg: str) -> None:
    assert "<script" not in svg
    assert "<!DOCTYPE" not in svg
    assert not re.findall(r'(?:href|src)="', svg)
    assert set(re.findall(r"https?://[^\"' )]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_every_colour_has_a_dark_counterpart(blocks: Blocks) -> None:
    svg = drawn(blocks(12, frozen=4, cut=8))
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg))
    assert used
    assert used <= set(DARK)


def test_dark_colours_come_with_the_readers_setting_or_where_asked_for(svg: str, blocks: Blocks) -> None:
    assert "@media screen and (prefers-color-scheme:dark)" in svg
    light, dark = drawn(blocks(2), theme="light"), drawn(blocks(2), theme="dark")
    assert DARK["#fefefe"] not in light
    assert f'[fill="#fefefe"]{{fill:{DARK["#fefefe"]}}}' in dark
    assert "@media" not in dark


def test_another_theme_is_refused(blocks: Blocks) -> None:
    with pytest.raises(UsageError, match=r"theme is 'blue'. It may be 'auto', 'light' or 'dark'"):
        drawn(blocks(2), theme="blue")


def test_leaves_keep_their_ids_as_boxes_and_as_lines(blocks: Blocks, svg: str) -> None:
    assert 'id="leaf-0" class="node leaf-ok leaf"' in svg
    cards = drawn(blocks(12))
    assert '<g id="leaf-0" class="row">' in cards
    assert 'id="module-0:net.0.lin" class="node card"' in cards


def test_tooltips_carry_the_numbers(svg: str) -> None:
    tip = next(tip for tip in re.findall(r"<title>([^<]*)</title>", svg) if "0.lin.weight" in tip)
    assert "gradient norm 0.5" in tip
    assert "update norm 0.1" in tip
    assert "held by optimizer[0]" in tip


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours. Source: WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", LOOKS)
def test_text_can_be_read_on_its_box_in_light_and_dark(name: str) -> None:
    fill, _, text = LOOKS[name].colours
    assert contrast(fill, text) >= 4.5
    assert contrast(DARK[fill], DARK[text]) >= 4.5


def test_states_of_leaves_differ_without_colour() -> None:
    leaves = [look for name, look in LOOKS.items() if name.startswith("leaf-")]
    assert len({look.sign for look in leaves}) == len(leaves)


def test_stylesheets_hold_no_text_of_the_traced_program() -> None:
    assert stylesheet("auto").count("{") == stylesheet("auto").count("}")
