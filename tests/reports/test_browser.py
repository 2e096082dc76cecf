"""The page in a real browser: Debian's Chromium, driven by Playwright. Skipped where either is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tracer.diagnosis.engine import diagnose
from tracer.reports import html
from tracer.reports.comparison import render_diff
from tracer.traces import Trace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

Build = Callable[..., Trace]


@dataclass
class Opened:
    """A page, with what went wrong on it and what it asked for."""

    page: Any
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        running = driver.chromium.launch(executable_path=CHROMIUM, args=options)
        yield running
        running.close()


@pytest.fixture
def opener(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    contexts = []

    def show(text: str, **options: Any) -> Opened:
        file = tmp_path / "report.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        contexts.append(context)
        opened = Opened(context.new_page())
        opened.page.on("console", lambda said: said.type in ("error", "warning") and opened.problems.append(said.text))
        opened.page.on("pageerror", lambda error: opened.problems.append(str(error)))
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("dialog", lambda dialog: opened.problems.append(f"dialog {dialog.message}"))
        opened.page.goto(file.as_uri())
        return opened

    yield show
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def text(broken: Trace) -> str:
    return html.render(broken, diagnose(broken))


def rows(page: Any) -> list[str]:
    return [row.get_attribute("id") for row in page.locator("#parameters tbody tr:visible").all()]


def draw_charts(page: Any) -> None:
    page.locator("#flow-title").scroll_into_view_if_needed()
    page.wait_for_selector("html[data-charts=drawn]", timeout=20_000)


def test_it_opens_without_a_complaint_and_asks_for_nothing(opener: Callable[..., Opened], text: str) -> None:
    opened = opener(text)
    draw_charts(opened.page)
    assert opened.problems == []
    assert [url.partition(":")[0] for url in opened.requests] == ["file"]
    assert opened.page.locator("#chart-gradients .scatterlayer .trace").count() >= 2
    assert opened.page.locator("#chart-steps .heatmaplayer image").count() == 1


def test_search_and_filters_narrow_the_table(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.fill("#search", "LAYERS.3")
    assert rows(page) == ["param-encoder.layers.3.weight"]
    assert page.text_content("#shown") == "1 of 6 shown"
    page.click("#reset")
    page.select_option("#verdict", "cut")
    assert rows(page) == ["param-encoder.layers.0.weight", "param-encoder.layers.1.weight"]
    page.select_option("#verdict", "")
    page.select_option("#module", "encoder.layers.4")
    assert rows(page) == ["param-encoder.layers.4.weight"]
    page.click("#reset")
    page.click("button[data-verdict=updated]")
    assert len(rows(page)) == 4
    assert page.get_attribute("button[data-verdict=updated]", "aria-pressed") == "true"
    page.select_option("#optimizer", "none")
    assert rows(page) == []


def test_a_column_sorts_both_ways_and_says_so(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    button = page.get_by_role("button", name="Gradient norm")
    button.click()
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert rows(page)[2:] == [f"param-encoder.layers.{i}.weight" for i in (5, 4, 3, 2)]
    button.click()
    assert rows(page)[:2] == ["param-encoder.layers.2.weight", "param-encoder.layers.3.weight"]
    assert page.locator("th[aria-sort=descending]").count() == 1


def test_a_parameter_lights_its_path_and_a_box_tells_its_numbers(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.locator("[id='param-encoder.layers.5.weight'] summary").click()
    page.get_by_role("button", name="Show its path in the graph").click()
    assert page.locator("#view g.node.lit").count() == 1
    assert page.locator("#view g.node.dimmed").count() >= 4
    facts = page.locator("#facts")
    assert facts.is_visible()
    assert "encoder.layers.5.weight" in facts.inner_text()
    facts.get_by_role("link", name="encoder.layers.5.weight").click()
    assert page.url.endswith("#param-encoder.layers.5.weight")
    page.click("#unlight")
    assert page.locator("#view g.dimmed").count() == 0


def test_another_depth_shows_another_drawing_and_goes_back(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    before = page.locator("#view g.node").count()
    page.select_option("#level", "1")
    assert page.locator("#view g.node").count() < before
    page.select_option("#level", "auto")
    assert page.locator("#view g.node").count() == before


def test_find_lights_boxes_and_counts_them(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.fill("#find", "layers.4")
    assert page.locator("#view g.node.lit").count() >= 1
    assert "found" in page.text_content("#found")


def test_the_keyboard_reaches_and_works_everything(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the parameters"
    page.focus("#view")
    before = page.get_attribute("#view svg", "viewBox")
    page.keyboard.press("+")
    zoomed = page.get_attribute("#view svg", "viewBox")
    page.keyboard.press("ArrowRight")
    assert len({before, zoomed, page.get_attribute("#view svg", "viewBox")}) == 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "button"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.locator("#facts").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "view"


def test_a_link_to_a_parameter_opens_its_row_even_when_filtered(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.select_option("#verdict", "cut")
    page.evaluate("location.hash = '#param-encoder.layers.5.weight'")
    page.wait_for_selector("[id='param-encoder.layers.5.weight'] details[open]")
    assert len(rows(page)) == 6


def test_dark_and_light_differ_and_charts_follow(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text, color_scheme="light").page
    draw_charts(page)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    tick = page.locator("#chart-gradients .xtick text").first
    playwright_api.expect(tick).to_have_css("fill", "rgb(232, 235, 239)")


def test_a_narrow_screen_does_not_scroll_sideways(opener: Callable[..., Opened], text: str) -> None:
    page = opener(text).page
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_names_run_nothing(opener: Callable[..., Opened], hostile: Trace) -> None:
    opened = opener(html.render(hostile, diagnose(hostile)))
    draw_charts(opened.page)
    opened.page.fill("#find", "script")
    opened.page.locator("#view g.node").first.dispatch_event("click")
    opened.page.hover("#chart-gradients", position={"x": 400, "y": 200})
    assert opened.problems == []
    assert "<script>alert(1)</script>" in opened.page.inner_text("#parameters")


def test_there_is_no_serious_barrier_in_light_or_dark(opener: Callable[..., Opened], text: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for scheme in ("light", "dark"):
        page = opener(text, color_scheme=scheme, bypass_csp=True).page
        draw_charts(page)
        found = axe.Axe().run(page).response["violations"]
        serious = [
            (one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")
        ]
        assert serious == []


def test_a_comparison_has_no_serious_barrier_either(
    opener: Callable[..., Opened], healthy: Trace, broken: Trace
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    text = render_diff((healthy, diagnose(healthy)), (broken, diagnose(broken)), ("a", "b"))
    opened = opener(text, bypass_csp=True)
    found = axe.Axe().run(opened.page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == []
    assert opened.problems == []
    outlines = opened.page.locator(".node.differs").evaluate_all(
        """nodes => nodes.map(node => Array.from(node.querySelectorAll("path, polygon, ellipse"))
          .filter(shape => getComputedStyle(shape).strokeDasharray.startsWith("7px")).length)"""
    )
    assert len(outlines) >= 2 and set(outlines) == {1}  # one outline around each box that differs


def test_print_is_light_on_a_dark_system_with_titles_and_without_tools(
    opener: Callable[..., Opened], text: str
) -> None:
    page = opener(text, color_scheme="dark").page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#parameters thead").inner_text().split() == [
        "Parameter", "Verdict", "Gradient", "norm", "Update", "Optimizer", "Why",
    ]  # fmt: skip
    assert not page.locator(".tools").is_visible()
    assert page.locator("#view svg").is_visible()


def test_a_search_over_a_thousand_parameters_answers_within_a_second(
    opener: Callable[..., Opened], build: Build
) -> None:
    trace = build(1000)
    page = opener(html.render(trace, diagnose(trace))).page
    took = page.evaluate(
        """() => {
            const box = document.getElementById("search"), start = performance.now();
            box.value = "layers.77.";
            box.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            return performance.now() - start;
        }"""
    )
    assert rows(page) == ["param-encoder.layers.77.weight"]
    assert took < 1000
