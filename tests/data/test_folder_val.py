"""A second dataset to validate on."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from reverie.data.folder import open_folder
from reverie.errors import DataError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(root / name)
    return root


def test_validation_comes_from_the_second_folder_only(tmp_path: Path) -> None:
    train = fill(tmp_path / "train", "cat/1.png", "cat/2.png", "dog/1.png")
    held = fill(tmp_path / "held", "dog/7.png", "cat/8.png")
    folder = open_folder(train, val=held)
    assert [i.path for i in folder.train] == ["cat/1.png", "cat/2.png", "dog/1.png"]
    assert [(i.path, folder.classes[i.label]) for i in folder.val] == [("cat/8.png", "cat"), ("dog/7.png", "dog")]
    assert folder.explicit_split
    assert folder.val_archive.read("dog/7.png") == (held / "dog" / "7.png").read_bytes()


def test_a_class_that_training_does_not_know_is_refused(tmp_path: Path) -> None:
    train = fill(tmp_path / "train", "cat/1.png", "dog/1.png")
    held = fill(tmp_path / "held", "dogs/7.png")
    with pytest.raises(DataError, match="nearest: dog"):
        open_folder(train, val=held)
