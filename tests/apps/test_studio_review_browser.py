"""A collection that the studio gathered is looked through there, in a real browser, and made again without some."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from studio_case import ended, real_studio

from gather_server import Server

pytest.importorskip("uvicorn", reason="the extra `studio` is not installed")
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]

OTHER_SERVERS = """
from reverie.tools.gather.net import Net

first = Net.__init__


def asked(self, config):
    first(self, config)
    self.endpoints = {{name: "{url}/" + name for name in ("openverse", "commons")}}


Net.__init__ = asked
"""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    """Give the address of a studio whose sources are a server on this machine."""
    with Server(40) as server:
        (tmp_path / "sitecustomize.py").write_text(OTHER_SERVERS.format(url=server.url))
        more = {"REVERIE_CONTACT": "a@example.org", "REVERIE_HOME": str(tmp_path / "cache")}
        with real_studio(tmp_path / "home", modules=tmp_path, **more) as address:
            yield address


def test_what_is_crossed_out_on_the_review_page_is_left_out(base: str, tmp_path: Path) -> None:
    settings = {"words": ["fountain, arch"], "count": 4, "neighbors": False, "pause": 0}
    posted = httpx.post(f"{base}/api/jobs", json={"tool": "gather images", "config": settings}).json()
    job = ended(base, posted["id"])
    assert job["state"] == "done", job["text"]
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(90_000)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(base)
        page.wait_for_selector("body[data-ready]")
        page.click("[data-view=gallery]")
        page.locator("#grid button").first.click()
        frame = page.frame_locator("#viewer iframe")
        sync_api.expect(frame.locator("figure")).to_have_count(8)
        decoded = "async (image) => (await image.decode(), image.naturalWidth)"
        assert frame.locator("figure img").first.evaluate(decoded) > 0
        frame.locator("figure").first.click()
        with page.expect_download() as saved:
            frame.locator("#save").click()
        saved.value.save_as(tmp_path / "veto.txt")
        page.select_option("[aria-label='Send to']", label="gather veto: folder")
        page.set_input_files("#picker", tmp_path / "veto.txt")
        page.wait_for_selector("#inputs .thumb[title='veto.txt']")
        with page.expect_response(lambda answer: "/api/jobs" in answer.url and answer.request.method == "POST") as sent:
            page.click("#start")
        clean = ended(base, sent.value.json()["id"])
        assert clean["state"] == "done", clean["text"]
        assert clean["results"][0]["kind"] == "folder"
        assert problems == []
        browser.close()
    found = next((tmp_path / "home").rglob("ATTRIBUTION.csv"))
    rows = {len(path.read_text().splitlines()) - 1 for path in (tmp_path / "home").rglob("ATTRIBUTION.csv")}
    assert rows == {8, 7}, found
