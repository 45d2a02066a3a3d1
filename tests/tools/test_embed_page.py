"""The page of a map in a real browser, without a network: drawing, search, lasso, neighbors, tables, keys, phone."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.tools.embed_page.findings import Duplicate, Suspect
from reverie.tools.embed_page.page import Shown, write_page

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested where playwright is installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
COUNT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three groups of twenty in the corners of a triangle, red, green and blue."""
    folder = tmp_path_factory.mktemp("map")
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(COUNT) % 3
    places = torch.tensor([[0.0, 0], [10, 0], [5, 9]])[labels] + 0.8 * torch.randn(COUNT, 2, generator=generator)
    thumbs = [np.full((64, 64, 3), 20, np.uint8) for _ in range(COUNT)]
    for i, thumb in enumerate(thumbs):
        thumb[..., i % 3] = 220
    near = torch.cdist(places, places).fill_diagonal_(torch.inf).topk(4, largest=False).indices
    write_page(
        folder,
        Shown(
            "three groups", "made here", [f"{'rgb'[i % 3]}/{i:02d},x.jpg" for i in range(COUNT)], places,
            ("red", "green", "blue"), labels, (("one", "two"), labels.clamp_max(1), torch.full((COUNT,), 0.5)),
            labels, torch.ones(COUNT), near, [Duplicate(0, 3, "near", 0.01)], [7], [Suspect(5, 0, 0.9)], thumbs,
        ),
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield found
        found.close()


@pytest.fixture
def tab(browser: Any, folder: Path) -> Iterator[Any]:
    found = browser.new_page(viewport={"width": 1000, "height": 700})
    troubles, asked = [], []
    found.on("pageerror", lambda error: troubles.append(str(error)))
    found.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    found.on("request", lambda request: asked.append(request.url))
    found.goto((folder / "index.html").as_uri())
    found.wait_for_function("performance.getEntriesByName('complete').length > 0")
    yield found
    assert troubles == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)
    found.close()


def drag(tab: Any, points: list[tuple[float, float]], *, shift: bool = False) -> None:
    if shift:
        tab.keyboard.down("Shift")
    tab.mouse.move(*points[0])
    tab.mouse.down()
    for point in points[1:]:
        tab.mouse.move(*point, steps=4)
    tab.mouse.up()
    if shift:
        tab.keyboard.up("Shift")


def screen_of(tab: Any, index: int) -> tuple[float, float]:
    return tuple(tab.evaluate(f"[toX(X[{index}]), toY(Y[{index}])]"))


def test_pictures_are_drawn_where_they_lie(tab: Any):
    pixels = np.asarray(Image.open(io.BytesIO(tab.screenshot())).convert("RGB")).astype(int)
    names = tab.evaluate("data.names")
    places = [screen_of(tab, index) for index in range(COUNT)]
    free = [index for index, (_, y) in enumerate(places) if 60 < y < 640]  # neither under the head nor the legend
    assert len(free) > 0.7 * COUNT
    seen = [pixels[round(places[i][1]), round(places[i][0])].argmax() == "rgb".index(names[i][0]) for i in free]
    assert np.mean(seen) > 0.85  # the others lie below the frame of a neighbor


def test_a_lasso_selects_what_lies_inside_and_the_table_names_it(tab: Any):
    wanted = set(tab.evaluate("data.names.filter((n, i) => toX(X[i]) < 430 && toY(Y[i]) < 400)"))
    drag(tab, [(2, 60), (430, 60), (430, 400), (2, 400), (2, 60)], shift=True)
    assert set(tab.evaluate("[...state.selected].map((i) => data.names[i])")) == wanted
    assert 5 < len(wanted) < COUNT
    rows = tab.evaluate("csv(rowsOfTab())").splitlines()
    assert rows[0] == "picture,class,prediction,group"
    assert len(rows) == len(wanted) + 1
    assert any(row.startswith('"r/') and row.endswith(",red,one,group 1") for row in rows)


def test_csv_is_saved_as_a_file(tab: Any, tmp_path: Path):
    tab.keyboard.press("p")
    tab.get_by_role("tab", name="mislabelled 1").click()
    with tab.expect_download() as waiting:
        tab.click("#csv")
    waiting.value.save_as(tmp_path / "m.csv")
    assert (tmp_path / "m.csv").read_text() == 'picture,class,looks like,confidence\n"b/05,x.jpg",blue,red,0.9\n'


def test_dragging_moves_and_the_wheel_zooms_about_the_pointer(tab: Any):
    before = screen_of(tab, 0)
    drag(tab, [(500, 400), (560, 370)])
    after = screen_of(tab, 0)
    assert (after[0] - before[0], after[1] - before[1]) == pytest.approx((60, -30), abs=1)
    under = tab.evaluate("[fromX(300), fromY(200)]")
    tab.mouse.move(300, 200)
    tab.mouse.wheel(0, -300)
    tab.wait_for_function("state.scale > 1.5 * fitScale()")
    assert tab.evaluate("[fromX(300), fromY(200)]") == pytest.approx(under, abs=1e-6)


def test_a_click_shows_the_picture_and_its_neighbors(tab: Any):
    index = tab.evaluate("data.names.indexOf('g/01,x.jpg')")
    tab.evaluate(f"moveTo(X[{index}], Y[{index}], 6000)")
    tab.wait_for_timeout(300)
    tab.mouse.click(*screen_of(tab, index))
    assert tab.inner_text("#content h2") == "g/01,x.jpg"
    assert "class: green" in tab.inner_text("#content")
    shown = tab.evaluate("[...document.querySelectorAll('.grid .thumb')].map((b) => b.title.split('\\n')[0])")
    near = tab.evaluate(f"Array.from({{length: K}}, (_, k) => data.names[near[{index} * K + k]])")
    assert shown == near
    tab.keyboard.press("n")
    assert tab.inner_text("#content h2") == near[0]
    tab.keyboard.press("n")
    assert tab.inner_text("#content h2") == near[1]


def test_search_and_legend_hide_the_others(tab: Any):
    tab.keyboard.press("/")
    tab.keyboard.type("blue")
    assert tab.evaluate("state.match.reduce((a, b) => a + b)") == COUNT // 3
    tab.keyboard.press("Enter")
    assert tab.evaluate("state.selected.size") == COUNT // 3
    tab.focus("#find")
    tab.keyboard.press("Escape")
    assert tab.evaluate("state.match") is None
    tab.click("#legend button:nth-child(2)")
    assert set(tab.evaluate("data.names.filter((n, i) => shown(i)).map((n) => n[0])")) == {"g"}
    tab.click("#legend button:nth-child(2)")
    assert tab.evaluate("data.names.filter((n, i) => shown(i)).length") == COUNT


def test_keys_move_and_change_colors(tab: Any):
    scale, cx = tab.evaluate("[state.scale, state.cx]")
    tab.keyboard.press("+")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("state.scale") > scale
    assert tab.evaluate("state.cx") > cx
    tab.keyboard.press("c")
    assert tab.evaluate("data.kinds[state.kind].name") == "prediction"
    tab.keyboard.press("0")
    assert tab.evaluate("[state.scale, state.cx]") == [scale, cx]


def test_two_fingers_zoom_on_a_phone(browser: Any, folder: Path):
    phone = browser.new_page(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True)
    phone.goto((folder / "index.html").as_uri())
    phone.wait_for_function("performance.getEntriesByName('complete').length > 0")
    scale = phone.evaluate("state.scale")
    client = phone.context.new_cdp_session(phone)
    for kind, gap in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120), ("touchEnd", None)):
        points = [] if gap is None else [{"x": 195 - gap, "y": 400, "id": 0}, {"x": 195 + gap, "y": 400, "id": 1}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert phone.evaluate("state.scale") / scale == pytest.approx(3, rel=0.35)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.close()
