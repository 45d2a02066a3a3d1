"""The review page in a browser: crossing out by mouse and keys, the list it saves, what `gather veto` makes of it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from gather_server import jpeg
from reverie.apps.cli.main import main
from reverie.data.gather.layout import place, read_rows, write_folder
from reverie.data.gather.manifest import Kept
from reverie.data.gather.record import Record

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # playwright's own pipes
]
COUNT = 1000


@pytest.fixture
def folder(tmp_path) -> Path:
    """A thousand pictures of two classes, of which the first two resemble each other."""
    store, out = tmp_path / "store", tmp_path / "out"
    store.mkdir(), out.mkdir()
    items = []
    for n in range(COUNT):
        (store / f"{n}.jpg").write_bytes(jpeg(n % 50))
        record = Record(f"https://example.org/{n}", title=f"T <b>{n}</b>", licence="CC0", page="https://example.org/")
        items.append(
            Kept(n, "arch" if n < COUNT // 2 else "gate", record, f"{n}.jpg", f"{n:064x}", 426, 320, n, n, 0.0)
        )
    write_folder(out, place(items, [0, 0, *range(2, COUNT)], set()), store)
    (out / "job.json").write_text("{}")
    return out


def test_crossing_out_saving_and_applying(folder, tmp_path, monkeypatch):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        began = time.monotonic()
        page.goto((folder / "review" / "index.html").as_uri())
        page.locator("figure").nth(COUNT - 1).wait_for(state="attached")
        assert time.monotonic() - began < 15  # a second on an idle core
        assert all(url.startswith("file:") for url in asked)

        page.locator("figure").nth(0).click()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        page.locator("figure").nth(5).click()
        page.locator("#undo").click()
        assert page.locator("#count").inner_text() == f"2 of {COUNT} left out"
        assert "T <b>" in page.locator("figure").nth(2).inner_text()  # markup in a title is text
        page.locator("#twins").check()
        assert page.locator("figure").count() == 2
        page.locator("#twins").uncheck()
        page.locator("#class").select_option("gate")
        assert page.locator("figure").count() == COUNT // 2
        with page.expect_download() as download:
            page.locator("#save").click()
        download.value.save_as(tmp_path / "veto.txt")
        browser.close()
    assert troubles == []
    out = (tmp_path / "veto.txt").read_text().split()
    rows = read_rows(folder / "ATTRIBUTION.csv")
    assert out == [rows[0]["file"], rows[2]["file"]]
    monkeypatch.chdir(tmp_path)
    assert main(["gather", "veto", "out", "veto.txt", "-o", "clean"]) == 0
    assert len(read_rows(tmp_path / "clean" / "ATTRIBUTION.csv")) == COUNT - 2
