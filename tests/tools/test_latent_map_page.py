"""The map of latent space in a real browser: a drawn path and bookmarks become a journey that can be made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reverie.apps.cli.main import main
from reverie.models.stylegan2.latents import read_latents
from reverie.tools.latent_films.journey import parse_journey

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested where playwright is installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("map") / "map.html"
    words = ["latent", "explore", "--across", "3", "--down", "3", "--between", "2", "--tile-px", "32"]
    assert main([*words, "-o", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_context(viewport={"width": 1000, "height": 700}, accept_downloads=True)
        browser.close()


def test_a_drawn_path_and_a_bookmark_become_a_journey(page_file: Path, context: Any):
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri())
    page.wait_for_function("document.getElementById('map').width > 100")
    before = page.evaluate("document.getElementById('map').toDataURL()")
    page.keyboard.press("ArrowRight")  # nothing was clicked yet
    assert page.evaluate("document.getElementById('map').toDataURL()") != before
    page.mouse.move(200, 200)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(500, 260, steps=12)
    page.mouse.up()
    page.keyboard.up("Shift")
    drawn = page.locator("#keys li").count()
    assert 4 <= drawn <= 6  # 306 px at 64 px a tile: the beginning, and a key a tile
    page.keyboard.press("b")
    page.keyboard.press("b")  # the same tile again
    assert page.locator("#marks li").count() == 1
    page.locator("#marks li button", has_text="Add as key").click()
    with page.expect_download() as waiting:
        page.locator("#save").click()
    text = Path(waiting.value.path()).read_text()
    assert len(parse_journey(text).keys.keys) == drawn + 1
    latents = read_latents(page_file.with_name("map-latents.safetensors"))
    assert all(latents.row(key.row) is not None for key in parse_journey(text).keys.keys)
    page.reload()
    page.wait_for_function("document.querySelectorAll('#marks li').length == 1")  # bookmarks stay
    page.screenshot(path=str(page_file.with_name("map.png")))
    assert not problems
