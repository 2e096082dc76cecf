"""The documentation builds as a site without a warning, and the site needs no network."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert result.returncode == 0, result.stderr
    return folder


def test_every_page_is_in_the_menu_and_every_picture_is_there(site: Path) -> None:
    menu = (site / "index.html").read_text()
    pages = {path.name for path in site.glob("*.html")} - {"404.html"}
    assert {"index.html", "python.html", "rules.html", "examples.html", "migration.html"} <= pages
    assert [page for page in pages if f'href="{page}"' not in menu] == []
    pictures = re.findall(r'<img [^>]*src="(pictures/\w+\.svg)"', menu)
    assert len(pictures) == 3
    assert all("<svg" in (site / picture).read_text() for picture in pictures)


def test_no_page_loads_anything_from_the_network(site: Path) -> None:
    loads = re.compile(r'<(?:script|link|img)\b[^>]*(?:src|href)="?(?:https?:)?//[^">]*')
    for page in site.glob("*.html"):
        assert [tag for tag in loads.findall(page.read_text()) if 'rel="canonical"' not in tag] == [], page.name


def test_fields_are_described_by_the_comments_beside_them(site: Path) -> None:
    assert "L2 of the last gradient measured, float32" in (site / "python.html").read_text()


def test_the_search_works_on_a_page_opened_as_a_file(site: Path) -> None:
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with driver.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((site / "index.html").as_uri())
        page.click("input[name=query]")
        page.keyboard.type("stale_in_optimizer")
        page.wait_for_selector('.md-search-result__item a[href*="rules.html"]', state="attached", timeout=60_000)
        browser.close()
