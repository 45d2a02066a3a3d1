"""What paths, patterns and folders stand for."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.data.sources import find_sources, kind_of
from reverie.errors import InputError


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5, 3), 90, np.uint8)).save(path)
    return path


def names(found) -> list[str]:
    return [s.name for s in found.sources]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for name in ("b.jpg", "a.png", "c.TIF", "deep/a.png", "deep/er/d.webp", ".hidden.png", ".trash/e.png"):
        picture(root / name)
    (root / "notes.txt").write_text("no picture")
    return root


def test_a_folder_gives_its_pictures_in_order_and_says_what_it_left_out(tree):
    found = find_sources([str(tree)])
    assert names(found) == ["a.png", "b.jpg", "c.TIF"]
    assert found.many
    assert all(s.root == tree for s in found.sources)
    assert len(found.notes) == 1 and "--recursive" in found.notes[0]


def test_recursive_takes_subfolders_along_and_names_them_relative_to_the_folder(tree):
    found = find_sources([str(tree)], recursive=True)
    assert names(found) == ["a.png", "b.jpg", "c.TIF", "deep/a.png", "deep/er/d.webp"]
    assert found.notes == ()


def test_the_folder_of_the_results_is_not_searched(tree):
    found = find_sources([str(tree)], recursive=True, leave_out=tree / "deep" / "er")
    assert "deep/er/d.webp" not in names(found)
    assert "deep/a.png" in names(found)


def test_a_link_that_leads_round_in_a_circle_is_not_followed(tree):
    (tree / "round").symlink_to(tree, target_is_directory=True)
    assert len(find_sources([str(tree)], recursive=True).sources) == 5


def test_patterns_are_expanded_by_us_and_names_with_brackets_are_names(tree):
    odd = picture(tree / "x[1].png")
    assert names(find_sources([str(tree / "*.png")])) == ["a.png", "x[1].png"]
    assert sorted(names(find_sources([str(tree / "**" / "a.png")]))) == ["a.png", "a.png"]
    single = find_sources([str(odd)])
    assert names(single) == ["x[1].png"]
    assert not single.many


def test_a_file_alone_is_not_many_and_everything_else_is(tree):
    assert not find_sources([str(tree / "a.png")]).many
    assert find_sources([str(tree / "a.pn?")]).many
    assert find_sources([str(tree / "a.png"), str(tree / "b.jpg")]).many
    assert find_sources([str(tree / "deep")]).many


def test_a_file_named_twice_is_worked_once(tree):
    found = find_sources([str(tree / "a.png"), str(tree), str(tree / "deep" / ".." / "a.png")])
    assert names(found) == ["a.png", "b.jpg", "c.TIF"]


def test_a_missing_file_is_kept_for_whoever_reads_it(tmp_path):
    assert names(find_sources([str(tmp_path / "absent.png")])) == ["absent.png"]


def test_standard_input_goes_alone(tree):
    assert find_sources(["-"]).sources[0].kind == "stdin"
    with pytest.raises(InputError, match="alone"):
        find_sources(["-", str(tree)])


@pytest.mark.parametrize("text", ["*.xyz", "empty"])
def test_nothing_found_is_said(tmp_path, text):
    (tmp_path / "empty" / "sub").mkdir(parents=True)
    with pytest.raises(InputError, match=r"no file matches|no pictures in the folder"):
        find_sources([str(tmp_path / text)])


def test_a_name_has_one_spelling_however_the_system_stores_it(tmp_path):
    joined, apart = unicodedata.normalize("NFC", "übung é.png"), unicodedata.normalize("NFD", "übung é.png")
    assert joined != apart
    picture(tmp_path / "one" / joined)
    picture(tmp_path / "two" / apart)
    found = [find_sources([str(tmp_path / d)]).sources[0].name for d in ("one", "two")]
    assert found == [joined, joined]


def frames(path: Path, count: int) -> Path:
    images = [Image.fromarray(np.full((8, 8), 40 * i, np.uint8)) for i in range(count)]
    images[0].save(path, save_all=True, append_images=images[1:])
    return path


def test_kinds_come_from_the_content_and_only_then_from_the_suffix(tmp_path):
    assert kind_of("-") == "stdin"
    assert kind_of(tmp_path) == "folder"
    assert kind_of(picture(tmp_path / "a.png")) == "picture"
    assert kind_of(frames(tmp_path / "one.gif", 1)) == "picture"
    assert kind_of(frames(tmp_path / "many.gif", 3)) == "film"
    assert kind_of(frames(tmp_path / "many.webp", 3)) == "film"
    assert kind_of(tmp_path / "absent.mp4") == "film"
    assert kind_of(tmp_path / "absent.png") == "picture"
    for name, start, kind in (
        ("film.png", b"\x1aE\xdf\xa3 matroska", "film"),
        ("film.bin", b"\0\0\0\x20ftypisom....", "film"),
        ("photo.bin", b"\0\0\0\x20ftypavif....", "picture"),
        ("film.dat", b"RIFF\0\0\0\0AVI LIST", "film"),
        ("broken.gif", b"GIF89a", "picture"),
    ):
        (tmp_path / name).write_bytes(start)
        assert kind_of(tmp_path / name) == kind, name


def test_films_in_a_folder_are_left_out_and_said(tree):
    frames(tree / "many.gif", 3)
    found = find_sources([str(tree)])
    assert "many.gif" not in names(found)
    assert any("1 films" in note for note in found.notes)
