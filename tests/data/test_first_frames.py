"""Pictures of several frames in a data set: one line says that only the first is used."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.data.collection import open_collection
from reverie.data.crops import CropPool
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Archive

MOVING = ("a.gif", "b.png", "c.webp", "d.avif")
STILL = ("e.gif", "f.png", "g.webp", "h.avif", "i.jpg")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    frames = [Image.fromarray(np.full((32, 48, 3), shade, np.uint8)) for shade in (40, 120, 200)]
    for name in MOVING:
        frames[0].save(folder / name, save_all=True, append_images=frames[1:], duration=80)
    for name in STILL:
        frames[1].save(folder / name)
    (folder / "j.png").write_bytes(b"no picture")
    return folder


def test_those_of_several_frames_are_counted_and_some_named(pictures: Path) -> None:
    archive = Archive(pictures)
    (line,) = first_frames_note(archive, archive.names())
    assert line == "only the first frame is used of 4 of 10 pictures: 'a.gif', 'b.png', 'c.webp' ..."
    assert first_frames_note(archive, [*STILL, "j.png", "missing.png"]) == ()


def test_a_zip_is_looked_through_alike(pictures: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as whole:
        for path in sorted(pictures.iterdir()):
            whole.write(path, path.name)
    archive = Archive(tmp_path / "all.zip")
    assert first_frames_note(archive, archive.names()) == first_frames_note(Archive(pictures), archive.names())


def test_collections_and_pools_say_so(pictures: Path) -> None:
    assert any("only the first frame is used of 4" in note for note in open_collection(pictures).notes)
    assert any("only the first frame is used of 4" in note for note in CropPool([pictures]).notes)
