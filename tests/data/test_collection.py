from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from reverie.data.collection import UNLABELLED, open_collection
from reverie.data.folder import open_folder
from reverie.errors import DataError


def fill(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number:02d}.png")


def test_class_folders_give_labels_and_all_pictures(tmp_path: Path):
    for name in ("b", "a"):
        fill(tmp_path / name, 10)
    found = open_collection(tmp_path)
    assert found.classes == ("a", "b")
    assert [item.path for item in found.items] == sorted(f"{c}/{i:02d}.png" for c in "ab" for i in range(10))
    assert all(found.classes[item.label] == item.path[0] for item in found.items)


def test_what_is_held_out_is_what_a_training_holds_out(tmp_path: Path):
    for name in ("a", "b"):
        fill(tmp_path / name, 20)
    assert open_collection(tmp_path, which="held-out").items == open_folder(tmp_path).val


def test_a_folder_without_classes_is_a_collection(tmp_path: Path):
    fill(tmp_path / "flat", 6)
    found = open_collection(tmp_path / "flat")
    assert found.classes == ()
    assert [item.label for item in found.items] == [UNLABELLED] * 6
    with pytest.raises(DataError, match="is held out; that takes class folders"):
        open_collection(tmp_path / "flat", which="held-out")


def test_a_limit_draws_by_the_seed_and_says_so(tmp_path: Path):
    fill(tmp_path / "flat", 30)
    one, same, other = (open_collection(tmp_path / "flat", limit=7, seed=s) for s in (0, 0, 1))
    assert one.items == same.items != other.items
    assert len(one.items) == 7
    assert one.notes == ("7 of 30 pictures, drawn by the seed",)


def test_what_is_no_picture_of_it_is_said(tmp_path: Path):
    fill(tmp_path / "a", 3)
    assert open_collection(tmp_path / "a").notes == ()
    (tmp_path / "a" / "film.mp4").write_bytes(b"x")
    (tmp_path / "a" / ".hidden").write_bytes(b"x")
    Image.new("RGB", (8, 8)).save(tmp_path / "lonely.png")
    words = "left out 2 files that are no pictures, or lie outside of the class folders: a/film.mp4, lonely.png"
    assert open_collection(tmp_path).notes == (words,)
    assert open_collection(tmp_path / "a" / "00.png").notes == ()
