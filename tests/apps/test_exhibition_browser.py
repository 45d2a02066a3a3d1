"""An exhibition in a real browser: a phone at the booth, the wall, its moderation, and a restart in between."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from studio_case import free_port, png, started

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
pytest.importorskip("segno", reason="the extra `studio` is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
WAIT_MS = 60_000


def opened(browser, address: str, **options):
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(WAIT_MS)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: page.problems.append(line.text) if "Content Security" in line.text else None)
    page.goto(address)
    return page


def sent(page, photo: Path) -> None:
    """Send a picture from the booth and wait for the result."""
    page.wait_for_selector("body[data-ready]")
    page.set_input_files("#album", photo)
    page.click("#looks button:has-text('fade')")
    page.wait_for_selector("#done:not([hidden])")


def test_from_the_phone_to_the_wall_and_over_a_restart(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    options = {"host": "0.0.0.0", "password": "secret", "exhibition": True}
    server = started(tmp_path / "home", port, **options)
    for number in range(2):
        (tmp_path / f"me{number}.png").write_bytes(png(90, 120, number))
    try:
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            wall = opened(browser, f"{base}/wall")
            wall.wait_for_selector("#welcome")
            assert wall.evaluate("getComputedStyle(document.body).cursor") == "none"
            assert wall.evaluate("document.getElementById('qr').decode().then(() => true)")
            phone = opened(browser, f"{base}/booth", **PHONE)
            sent(phone, tmp_path / "me0.png")
            with phone.expect_download() as download:
                phone.click("#keep")
            assert Path(download.value.path()).read_bytes().startswith(b"\xff\xd8")
            wall.wait_for_selector("body[data-items='1'][data-shown]")
            server.send_signal(signal.SIGKILL)
            server.wait()
            wall.wait_for_timeout(3000)
            server = started(tmp_path / "home", port, **options)
            phone.click("#new")
            sent(phone, tmp_path / "me1.png")
            wall.wait_for_selector("body[data-items='2']")
            desk = opened(browser, f"{base}/moderate")
            desk.fill("#password", "wrong")
            desk.click("button[type=submit]")
            desk.wait_for_selector("#wrong:not([hidden])")
            desk.fill("#password", "secret")
            desk.click("button[type=submit]")
            desk.wait_for_url(f"{base}/moderate")  # the page that was asked for
            desk.locator("[data-result]").first.get_by_text("Hide").click()
            wall.wait_for_selector("body[data-items='1']")
            desk.locator("[data-result] >> text=Delete").last.click()
            wall.wait_for_selector("body[data-items='0']")
            wall.wait_for_selector("#welcome:not([hidden])", timeout=30_000)
            assert wall.problems == phone.problems == desk.problems == []
            browser.close()
    finally:
        server.terminate()
        server.wait(30)
