"""Layouts of datasets: where classes and splits are found, and what is refused."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from reverie.data.folder import open_folder
from reverie.errors import DataError, PictureError


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as file:
        for path in sorted(folder.rglob("*.*")):
            file.write(path, str(Path(inside) / path.relative_to(folder)))
    return target


def seen(folder) -> tuple:
    """What a dataset holds, whatever it lies in."""
    shape = [[(i.label, Path(i.path).parts[-2:]) for i in split] for split in (folder.train, folder.val)]
    return folder.classes, shape, folder.explicit_split


def test_class_folders_are_sorted_and_split_by_class(colors):
    folder = open_folder(colors, val_share=0.2)
    assert folder.classes == ("blue", "green", "red")
    assert [sum(i.label == c for i in folder.val) for c in range(3)] == [2, 2, 2]
    assert {i.path for i in folder.train}.isdisjoint(i.path for i in folder.val)
    assert len(folder.train) + len(folder.val) == 30
    assert not folder.explicit_split


def test_a_zip_is_the_same_as_its_folder(colors, tmp_path):
    plain, packed = open_folder(colors), open_folder(zipped(colors, tmp_path / "c.zip"))
    assert seen(plain) == seen(packed)
    assert plain.digest == packed.digest
    for item in plain.train[:3]:
        assert plain.archive.read(item.path) == packed.archive.read(item.path)


def test_one_outer_folder_is_looked_through(colors, tmp_path):
    plain = open_folder(colors)
    assert seen(open_folder(zipped(colors, tmp_path / "c.zip", "flowers"))) == seen(plain)
    (tmp_path / "outer").mkdir()
    shutil.move(str(colors), tmp_path / "outer" / "inner")
    assert open_folder(tmp_path / "outer").classes == plain.classes


@pytest.mark.parametrize("held", ["val", "valid", "validation", "test"])
@pytest.mark.parametrize("outer", ["", "set/"])
def test_train_and_val_folders(make_colors, tmp_path, held, outer):
    root = tmp_path / "data"
    make_colors(root / outer / "train", {"red": 4, "blue": 3})
    make_colors(root / outer / held, {"red": 2, "blue": 1})
    folder = open_folder(root)
    assert folder.classes == ("blue", "red")
    assert folder.explicit_split
    assert (len(folder.train), len(folder.val)) == (7, 3)
    assert all(f"{held}/" in item.path for item in folder.val)


def test_pictures_may_lie_deeper_than_their_class(make_colors, tmp_path):
    make_colors(tmp_path / "make", {"red": 3, "blue": 3})
    for name in ("red", "blue"):
        (tmp_path / "data" / "train" / name).mkdir(parents=True)
        shutil.move(str(tmp_path / "make" / name), tmp_path / "data" / "train" / name / "images")
    folder = open_folder(tmp_path / "data")
    assert folder.classes == ("blue", "red")
    assert len(folder.train) + len(folder.val) == 6


def test_a_train_folder_alone_is_split(make_colors, tmp_path):
    make_colors(tmp_path / "data" / "train", {"red": 10, "blue": 10})
    folder = open_folder(tmp_path / "data")
    assert folder.classes == ("blue", "red")
    assert (len(folder.val), folder.explicit_split) == (2, False)


def test_unbalanced_classes_keep_one_picture_on_each_side(make_colors, tmp_path):
    folder = open_folder(make_colors(tmp_path / "d", {"red": 30, "blue": 2, "green": 1}), val_share=0.1)
    held, kept = ([sum(i.label == c for i in split) for c in range(3)] for split in (folder.val, folder.train))
    assert held == [1, 0, 3]
    assert kept == [1, 1, 27]


def test_the_seed_decides_the_split(colors):
    first, same, other = (open_folder(colors, seed=s) for s in (1, 1, 2))
    assert first.val == same.val
    assert first.val != other.val
    assert first.digest != other.digest


def test_nothing_is_held_out_on_request(colors):
    assert open_folder(colors, val_share=0.0).val == ()


def test_other_files_are_no_pictures(colors):
    (colors / "notes.txt").write_text("x")
    (colors / ".hidden").mkdir()
    shutil.copy(colors / "red" / "00.png", colors / ".hidden" / "a.png")
    (colors / "__MACOSX").mkdir()
    shutil.copy(colors / "red" / "00.png", colors / "__MACOSX" / "a.png")
    (colors / "red" / "readme.md").write_text("x")
    folder = open_folder(colors)
    assert folder.classes == ("blue", "green", "red")
    assert len(folder.train) + len(folder.val) == 30


def test_a_held_out_class_that_is_not_trained_is_left_out(make_colors, tmp_path):
    make_colors(tmp_path / "train", {"red": 2, "blue": 2})
    make_colors(tmp_path / "val", {"red": 1, "green": 5})
    assert len(open_folder(tmp_path).val) == 1


@pytest.mark.parametrize(
    "kind", ["missing", "empty folder", "loose pictures", "text file", "empty zip", "truncated zip"]
)
def test_unusable_data_is_refused(colors, tmp_path, kind):
    target = tmp_path / "target"
    if kind == "empty folder":
        target.mkdir()
    elif kind == "loose pictures":
        shutil.copytree(colors / "red", target)
    elif kind == "text file":
        target.write_text("pictures")
    elif kind == "empty zip":
        zipfile.ZipFile(target, "w").close()
    elif kind == "truncated zip":
        blob = zipped(colors, target).read_bytes()
        target.write_bytes(blob[: len(blob) // 2])
    with pytest.raises(DataError, match="target"):
        open_folder(target)


def test_a_damaged_member_of_a_zip_is_a_broken_picture(colors, tmp_path):
    packed = zipped(colors, tmp_path / "c.zip")
    blob = bytearray(packed.read_bytes())
    at = blob.find(b"red/00.png") + 60
    blob[at : at + 20] = bytes(20)
    packed.write_bytes(blob)
    with pytest.raises(PictureError, match="cannot be read"):
        open_folder(packed).archive.read("red/00.png")


def test_a_stamp_changes_with_the_file(colors, tmp_path):
    archive = open_folder(colors).archive
    before = archive.stamp("red/00.png")
    (colors / "red" / "00.png").write_bytes(b"other")
    assert archive.stamp("red/00.png") != before
    assert archive.stamp("red/none.png") == ""
    packed = open_folder(zipped(colors, tmp_path / "c.zip")).archive
    assert packed.stamp("red/01.png") != packed.stamp("red/02.png")


def test_linked_class_folders_are_read_and_circles_are_not_followed(tmp_path):
    for name in ("set/dogs", "elsewhere/cats"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.png").write_bytes(b"x")
    (tmp_path / "set" / "cats").symlink_to(tmp_path / "elsewhere" / "cats", target_is_directory=True)
    (tmp_path / "set" / "dogs" / "round").symlink_to(tmp_path / "set", target_is_directory=True)
    folder = open_folder(tmp_path / "set", val_share=0)
    assert folder.classes == ("cats", "dogs")
    assert [item.path for item in folder.train] == ["cats/a.png", "dogs/a.png"]


def test_class_folders_beside_the_one_for_training_are_named(tmp_path):
    for name in ("train/birds", "train/fish", "cats", "dogs"):
        (tmp_path / name).mkdir(parents=True)
        for number in range(2):
            (tmp_path / name / f"{number}.png").write_bytes(b"x")
    folder = open_folder(tmp_path)
    assert folder.classes == ("birds", "fish")
    (note,) = folder.notes
    assert note.startswith("only the classes in 'train/' are learned; left out beside it: 4 pictures in cats, dogs.")
