"""The page of `reverie mesh show` in a real browser: what it shows is what our renderer shows; its buttons; a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mesh_block import block
from PIL import Image

from reverie.jobs.output import Mesh as MeshOutput
from reverie.media.mesh import read_mesh
from reverie.numerics.mesh import Mesh
from reverie.render.camera import Camera, fitting_distance
from reverie.render.show import Shown
from reverie.tools.mesh_show.page import viewer_page
from reverie.tools.mesh_show.turntable import with_light

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is tested where playwright is installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
SIZE = 256


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
        ])  # fmt: skip
        yield found
        found.close()


def opened(browser: Any, page: Path, view: str, width: int = SIZE, height: int = SIZE, **how: Any) -> Any:
    tab = browser.new_page(viewport={"width": width, "height": height}, **how)
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(f"{page.as_uri()}#{view}")
    tab.wait_for_selector("html[data-ready=yes]", timeout=60_000)
    tab.wait_for_timeout(300)
    assert all(url.startswith(("file:", "blob:", "data:")) for url in tab.asked)
    return tab


def pixels(tab: Any) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(tab.screenshot())).convert("RGB")).astype(int)


@pytest.mark.parametrize("light", ["on", "off"])
@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_three_js_shows_the_texels_where_our_renderer_does(
    light: str, suffix: str, browser: Any, tmp_path: Path
) -> None:  # fmt: skip
    MeshOutput(block()).write(tmp_path / f"block{suffix}", {}, 92)
    mesh = read_mesh(tmp_path / f"block{suffix}")
    viewer_page(mesh, light=light).write(tmp_path / "page.html", {}, 92)
    for azimuth, elevation in ((30, 20), (250, -35)):
        tab = opened(browser, tmp_path / "page.html", f"view={azimuth},{elevation}&plain")
        other = pixels(tab)
        tab.close()
        camera = Camera(azimuth, elevation, fitting_distance(40), fov_deg=40)
        own = Shown(with_light(mesh, light)).picture(camera, (SIZE, SIZE)).astype(int)
        difference = np.abs(own - other).max(2)
        assert (difference > 12).mean() < 0.02  # borders of colors and outlines, where filters differ
        assert difference.mean() < 1.0
        mirrored = np.abs(own - other[:, ::-1]).max(2)
        assert mirrored.mean() > 10 * difference.mean()  # the card would show a mistake


def test_its_buttons_show_what_they_say(browser: Any, tmp_path: Path) -> None:
    wide = block()
    before = Mesh(wide.vertices * [1, 1, 2], wide.faces)
    way = Mesh(
        wide.vertices, wide.faces, wide.uv, wide.face_uv, wide.materials, way=(wide.vertices * 0.3,)
    )  # fmt: skip
    viewer_page(way, before).write(tmp_path / "page.html", {}, 92)
    tab = opened(browser, tmp_path / "page.html", "", 700, 400)
    first = pixels(tab)
    shown = {}
    for name in ("swap", "wire", "light", "ground", "way"):
        tab.click(f"#{name}")
        tab.wait_for_timeout(300)
        shown[name] = pixels(tab)
        tab.click(f"#{name}")
    assert np.ptp(shown["swap"][:300], 2).max() <= 2  # grey: the mesh before has no colors
    assert ((shown["wire"] < 40).all(2) & (first > 60).any(2)).sum() > 300
    assert shown["ground"][5, 5].max() < 40 < first[5, 5].min()
    assert np.abs(shown["light"] - first).mean() > 1
    assert np.abs(shown["way"][:300] - first[:300]).mean() > 1
    assert tab.inner_text("#count") == "12 triangles"
    tab.keyboard.press("b")
    assert tab.inner_text("#swap") == "before"
    tab.mouse.move(350, 150)
    tab.mouse.down()
    tab.mouse.move(450, 180, steps=4)
    tab.mouse.up()
    tab.wait_for_timeout(300)
    assert np.abs(pixels(tab) - shown["swap"])[:300].mean() > 0.5  # turned
    tab.close()


def test_on_a_phone_nothing_is_cut_off(browser: Any, tmp_path: Path) -> None:
    viewer_page(block(), block()).write(tmp_path / "page.html", {}, 92)
    tab = opened(browser, tmp_path / "page.html", "", 360, 640, has_touch=True, is_mobile=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    boxes = [box for b in tab.query_selector_all("button") if (box := b.bounding_box())]
    assert len(boxes) == 6
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["height"] >= 40 for box in boxes)
    assert max(box["y"] + box["height"] for box in boxes) <= 640
    tab.close()
