"""The real tools in a real browser: a photo becomes a dream, and a journey is composed on its timeline."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from studio_case import ended, png, real_studio

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    with real_studio(tmp_path / "home") as address:
        yield address


def test_a_photo_becomes_a_dream_and_a_journey_is_composed(base: str, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(png(96, 128))
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(90_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(base)
        page.wait_for_selector("body[data-ready]")
        page.set_input_files("#picker", tmp_path / "photo.png")
        page.click("#presets button[title^='animals']")
        page.fill("[data-field=octaves] input[type=number]", "2")
        page.select_option("#inputs select", "mask")
        page.click("#inputs button:has-text('Paint')")
        page.locator("#mask").click()
        page.click("#paint-done")
        page.wait_for_selector("#inputs .thumb[title='mask.png']")
        page.click("#start")
        page.click("text=Look closely")
        page.wait_for_selector("#viewer .compare")
        assert page.inner_text("#viewer-settings").count("mask.png") == 1
        assert "creatures" not in page.inner_text("#viewer-settings")
        assert "mixed4c" in page.inner_text("#viewer-settings")
        page.click("#viewer-close")
        page.click("#now-buttons button:has-text('New')")
        page.click("[data-tool='latent explore']")
        assert page.inner_text("#empty .big") == "Choose the settings and start"
        page.click("[data-tool='latent journey']")
        page.click("text=Compose …")
        page.click("text=Show the keys")
        sync_api.expect(page.locator("#timeline img")).to_have_count(3, timeout=60_000)
        for row in range(3):
            page.fill(f".keys input[aria-label=duration] >> nth={row}", "0.2")
        page.click("#compose-done")
        page.wait_for_selector("#inputs .thumb")
        with page.expect_response(lambda answer: "/api/jobs?format=mp4" in answer.url) as posted:
            page.click("#start")
        job = ended(base, posted.value.json()["id"])
        assert (job["state"], job["results"][0]["kind"]) == ("done", "film")
        page.wait_for_selector("#canvas video")
        assert [one["tool"] for one in httpx.get(f"{base}/api/jobs").json()] == ["latent journey", "dream"]
        assert problems == []
        browser.close()
