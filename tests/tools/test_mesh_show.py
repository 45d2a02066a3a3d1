"""`reverie mesh show`: film, stills and page."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from mesh_block import block
from PIL import Image

from reverie.apps.cli.main import main
from reverie.jobs.output import Mesh as MeshOutput
from reverie.jobs.stored import stored_record
from reverie.media.mesh import read_mesh
from reverie.tools.mesh_show.page import viewer_page

SMALL = ("--size", "64", "--duration", "0.5")


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
