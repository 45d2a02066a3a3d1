"""`reverie mesh show`: film, stills and page; the page shows what our own renderer shows."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.apps.cli.main import main
from reverie.jobs.output import Mesh as MeshOutput
from reverie.jobs.output import stored_record
from reverie.media.mesh import read_mesh
from reverie.numerics.mesh import Mesh, textured
from reverie.render.camera import Camera, fitting_distance
from reverie.render.show import Shown
from reverie.tools.mesh_show.page import viewer_page

SMALL = ("--size", "64", "--duration", "0.5")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def block() -> Mesh:
    """Return a box of three sizes whose six sides each show a whole card with four different corners."""
    card = np.full((64, 64, 3), 200, np.uint8)
    card[:32, :32], card[:32, 32:], card[32:, :32], card[32:, 32:] = (
        (220, 30, 30), (30, 200, 30), (30, 30, 220), (230, 220, 30)
    )  # fmt: skip
    card[8:24, 10:14] = 255  # a mark that has no mirror image
    card[8:12, 10:22] = 255
    corner = np.array([[x, y, z] for x in (-1, 1) for y in (-0.8, 0.8) for z in (-0.6, 0.6)], float)
    sides = [[1, 5, 7, 3], [4, 0, 2, 6], [5, 4, 6, 7], [0, 1, 3, 2], [3, 7, 6, 2], [0, 4, 5, 1]]
    faces = np.array([triangle for a, b, c, d in sides for triangle in ((a, b, c), (a, c, d))])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    return textured(Mesh(corner, faces), uv, np.array([[0, 1, 2], [0, 2, 3]] * 6), card)


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    MeshOutput(block()).write(tmp_path / "block.glb", {"tool": "test"}, 92)
    return tmp_path / "block.glb"


def test_a_film_a_page_and_stills_with_their_job(mesh: Path, capsys) -> None:
    assert main(["mesh", "show", str(mesh), *SMALL, "-o", str(mesh.with_suffix(".gif"))]) == 0
    with Image.open(mesh.with_suffix(".gif")) as film:
        assert film.size == (64, 64)
        assert film.n_frames == 12  # type: ignore[attr-defined]
    with Image.open(mesh.with_name("block-stills.png")) as stills:
        assert stills.size == (256, 64)
    for name in ("block.gif", "block-stills.png", "block-page.html"):
        assert stored_record(mesh.with_name(name))["tool"] == "mesh show"
    assert main(["replay", str(mesh.with_suffix(".gif")), "-o", str(mesh.with_name("again.gif"))]) == 0
    assert "the bytes are the same" in capsys.readouterr().err


def test_a_format_of_stills_is_refused_before_the_work(mesh: Path, capsys) -> None:
    assert main(["mesh", "show", str(mesh), "-o", str(mesh.with_suffix(".png"))]) == 2
    assert ".mp4" in capsys.readouterr().err
    assert {p.name for p in mesh.parent.iterdir()} == {mesh.name}


def test_before_stands_at_the_left_and_in_the_page(mesh: Path) -> None:
    before = mesh.with_name("before.stl")
    MeshOutput(block()).write(before, {}, 92)
    code = main(["mesh", "show", str(mesh), "--before", str(before), *SMALL, "--stills", "1", "--background", "dark"])
    assert code == 0
    still = np.asarray(Image.open(mesh.with_name("block-show-stills.png")).convert("RGB")).astype(int)
    assert still.shape == (64, 128, 3)
    assert np.ptp(still[:, :64], 2).max() <= 2  # grey: STL has no colors
    assert np.ptp(still[:, 64:], 2).max() > 100
    page = mesh.with_name("block-show-page.html").read_text()
    assert 'id="before"' in page


def test_the_page_asks_nobody_for_anything(mesh: Path) -> None:
    page = viewer_page(read_mesh(mesh), title="a <b> & c").text
    head, script = page.split("<script>", 1)
    assert "a &lt;b&gt; &amp; c" in head
    assert not re.search(r"""(?:src|href)\s*=|@import|url\(""", head)
    assert "MIT" in script[:200]
    assert script.count("</script") == 1
    assert not re.search(r"\{\{[A-Z]+\}\}", page)


def shot(page: Path, view: str, size: int, folder: Path) -> np.ndarray:
    """Return what Chromium shows; once more where it took the picture before the mesh was there."""
    target = folder / "shot.png"
    assert CHROMIUM is not None
    for _ in range(5):
        subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader",
             "--enable-unsafe-swiftshader", "--hide-scrollbars", "--force-device-scale-factor=1",
             "--virtual-time-budget=5000", f"--user-data-dir={folder / 'chromium'}", f"--window-size={size},{size}",
             f"--screenshot={target}", f"file://{page}#view={view}&plain"],
            check=True, capture_output=True, timeout=100,
        )  # fmt: skip
        with Image.open(target) as image:
            picture = np.asarray(image.convert("RGB")).astype(int)
        if (np.ptp(picture, 2) > 50).mean() > 0.05:
            break
    return picture


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to render with three.js")
@pytest.mark.parametrize("light", ["on", "off"])
@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_three_js_shows_the_texels_where_our_renderer_does(light: str, suffix: str, tmp_path: Path) -> None:
    MeshOutput(block()).write(tmp_path / f"block{suffix}", {}, 92)
    mesh = read_mesh(tmp_path / f"block{suffix}")
    viewer_page(mesh, light=light).write(tmp_path / "page.html", {}, 92)
    from reverie.tools.mesh_show.turntable import with_light

    for azimuth, elevation in ((30, 20), (250, -35)):
        other = shot(tmp_path / "page.html", f"{azimuth},{elevation}", 256, tmp_path)
        camera = Camera(azimuth, elevation, fitting_distance(40), fov_deg=40)
        own = Shown(with_light(mesh, light)).picture(camera, (256, 256)).astype(int)
        difference = np.abs(own - other).max(2)
        assert (difference > 12).mean() < 0.02  # borders of colors and outlines, where filters differ
        assert difference.mean() < 1.0
        mirrored = np.abs(own - other[:, ::-1]).max(2)
        assert mirrored.mean() > 10 * difference.mean()  # the card would show a mistake
