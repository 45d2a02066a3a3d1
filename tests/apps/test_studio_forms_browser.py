"""All tools in a real browser: at most eight controls before "More settings"; a HEIC of a phone; both themes."""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_studio_tools_browser import base  # noqa: F401 - a fixture

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOTS = os.environ.get("REVERIE_SCREENSHOTS")  # a folder for pictures of the pages, to be looked at

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]
WAIT_MS = 120_000
MOST_CONTROLS = 8
COUNT = """[...document.querySelectorAll('[data-field]')].filter(
    (one) => one.offsetParent && !one.closest('#more')).length"""


@pytest.fixture
def page(base: str) -> Iterator:  # noqa: F811
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        made.set_default_timeout(WAIT_MS)
        made.goto(base)
        made.wait_for_selector("body[data-ready]")
        yield made
        browser.close()


def shot(page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def heic(side: int = 256) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    y, x = np.mgrid[0:side, 0:side] / side
    rgb = np.stack([x, y, 0.5 + 0.5 * np.sin(20 * x * y)], -1)
    out = io.BytesIO()
    Image.fromarray((255 * rgb).astype(np.uint8)).save(out, "HEIF", quality=80)
    return out.getvalue()


def test_every_tool_shows_at_most_eight_controls_in_both_themes(page) -> None:
    names = page.evaluate("[...document.querySelectorAll('#tools [data-tool]')].map((one) => one.dataset.tool)")
    assert {"dream", "style", "translate"} <= set(names)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    counts = {}
    for name in names:
        page.click(f"#tools [data-tool='{name}']")
        page.wait_for_selector(f"#tools [data-tool='{name}'][aria-current=true]")
        counts[name] = page.evaluate(COUNT)
        shot(page, f"tool-{name.replace(' ', '-')}")
    assert {name: count for name, count in counts.items() if count > MOST_CONTROLS} == {}
    assert errors == []
    page.click("#tools [data-tool='dream']")
    page.locator("body").press("d")
    shot(page, "dark")


def test_a_heic_of_a_phone_is_seen_and_becomes_a_picture(page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("#tools [data-tool='translate']")
    page.set_input_files("#picker", {"name": "IMG_0001.HEIC", "mimeType": "image/heic", "buffer": heic()})
    page.wait_for_selector("#inputs .thumb img")
    until = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate("document.querySelector('#inputs .thumb img')?.naturalWidth > 0"):
        assert time.monotonic() < until  # `wait_for_function` is what the content security policy forbids
        page.wait_for_timeout(100)
    page.click("#start")
    page.wait_for_selector("text=Look closely")
    shot(page, "phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
