"""The folder of frames: whole files, the same job only, and going on where it stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clips import card
from reverie.errors import InputError
from reverie.media.frame_folder import FrameFolder

MANIFEST = {"tool": "test", "config": {"steps": 3, "layer": ("a",)}, "input": {"sha256": "x"}}


def test_frames_and_their_records_come_back(tmp_path: Path) -> None:
    folder = FrameFolder(tmp_path / "a.frames")
    assert folder.manifest() is None
    assert folder.begin(MANIFEST) == 0
    for number in range(3):
        strength = np.full((64, 96), 255 - number, np.uint8)
        folder.write(number, card(number), {"flicker": number / 3}, strength)
    assert folder.begin(MANIFEST) == folder.count() == 3
    assert all(np.array_equal(f, card(n)) for n, f in enumerate(folder.frames()))
    assert all((folder.strength(n) == 255 - n).all() for n in range(3))
    assert folder.record(2) == {"flicker": 2 / 3}
    folder.remove()
    assert not any(tmp_path.iterdir())


def test_frames_behind_a_gap_and_unfinished_files_do_not_count(tmp_path: Path) -> None:
    folder = FrameFolder(tmp_path / "a.frames")
    folder.begin(MANIFEST)
    for number in (0, 1, 3):
        folder.write(number, card(number), {})
    (folder.path / ".000002.png.abc.part").write_bytes(b"half")
    assert folder.begin(MANIFEST) == 2
    assert not list(folder.path.glob(".*.part"))


def test_a_broken_last_frame_is_dropped(tmp_path: Path) -> None:
    folder = FrameFolder(tmp_path / "a.frames")
    folder.begin(MANIFEST)
    for number in range(3):
        folder.write(number, card(number), {})
    folder.drop_broken_end()
    assert folder.count() == 3
    file = folder.path / "000002.png"
    file.write_bytes(file.read_bytes()[:-400])
    folder.drop_broken_end()
    assert folder.count() == 2


def test_another_job_is_refused_and_named(tmp_path: Path) -> None:
    folder = FrameFolder(tmp_path / "a.frames")
    folder.begin(MANIFEST)
    folder.write(0, card(0), {})
    with pytest.raises(InputError, match=r"1 frames made differently \(config steps: 3 then, 4 now\)"):
        folder.begin(MANIFEST | {"config": {"steps": 4, "layer": ("a",)}})
    assert folder.count() == 1


def test_a_strange_folder_is_left_alone_and_an_empty_one_is_used(tmp_path: Path) -> None:
    strange = FrameFolder(tmp_path / "strange.frames")
    strange.path.mkdir()
    (strange.path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is in the way"):
        strange.begin(MANIFEST)
    assert (strange.path / "notes.txt").read_text() == "mine"
    (strange.path / "manifest.json").write_text("{half")
    with pytest.raises(InputError, match="cannot be read"):
        strange.begin(MANIFEST)
    empty = FrameFolder(tmp_path / "empty.frames")
    empty.path.mkdir()
    assert empty.begin(MANIFEST) == 0
