"""Guides, artworks, groups, caricature and kept colors on the command line: stored, replayed, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.media.metadata import read_settings

QUICK = ("--steps", 2, "--octaves", 1)


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """Return a folder with a guide, a mask and artworks, apart from the photo."""
    folder = tmp_path / "material"
    (folder / "art" / "monet").mkdir(parents=True)
    Image.fromarray(scene(64, 72)[::-1].copy()).save(folder / "guide.png")
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :32] = 255
    Image.fromarray(mask).save(folder / "sky.png")
    for number in range(3):
        Image.fromarray(np.roll(scene(72, 64), 9 * number, axis=1)).save(folder / "art" / "monet" / f"{number}.png")
    return folder


def options(material: Path, kind: str) -> tuple[object, ...]:
    """Return the options of one way to follow something."""
    sky, guide = material / "sky.png", material / "guide.png"
    return {
        "guide": ("--guide", guide, "--guide-form", "channels"),
        "guide-class": ("--guide-class", "monarch"),
        "target": ("--target-from", material / "art", "--target-class", "monet", "--class", "lion"),
        "caricature": ("--caricature", "--keep-colors"),
        "groups": (
            "--group", f"mask={sky},class=lion,soften=2", "--group", f"outside={sky},guide={guide},strength=0.7",
        ),
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["guide", "guide-class", "target", "caricature", "groups"])
def test_replay_makes_the_same_bytes(run: Run, photo: Path, material: Path, kind: str) -> None:
    target = photo.with_name("out.png")
    code, _, err = run("dream", photo, "-o", target, "--seed", 5, *QUICK, *options(material, kind))
    assert code == 0, err
    record = read_settings(target)
    assert str(photo.parent) not in json.dumps(record)
    code, out, err = run("replay", target, "--files", material)
    assert code == 0, err
    assert "the bytes are the same" in err
    assert Path(out.strip()).read_bytes() == target.read_bytes()


def test_the_record_names_files_and_their_hashes(run: Run, photo: Path, material: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK, *options(material, "target"))[0] == 0
    record = read_settings(target)
    name = record["config"]["target_from"]
    assert name in ("0.png", "1.png", "2.png")
    assert record["config"]["target_class"] is None
    assert record["files"]["target_from"]["name"] == name
    assert len(record["files"]["target_from"]["sha256"]) == 64
    assert run("dream", photo, "-o", target, "--overwrite", *QUICK, *options(material, "groups"))[0] == 0
    record = read_settings(target)
    assert record["config"]["group"] == [
        "mask=sky.png,class=lion,strength=1.0,soften=2.0", "outside=sky.png,guide=guide.png,strength=0.7",
    ]  # fmt: skip
    assert sorted(record["files"]) == ["group 1 mask", "group 2 guide", "group 2 mask"]


def test_files_beside_the_picture_are_found_without_being_told(run: Run, photo: Path, material: Path) -> None:
    target = material / "out.png"
    assert run("dream", photo, "-o", target, *QUICK, *options(material, "groups"))[0] == 0
    code, _, err = run("replay", target, "--input", photo)
    assert code == 0, err
    assert "the bytes are the same" in err


def test_a_file_that_is_gone_or_another_is_said(run: Run, photo: Path, material: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK, *options(material, "groups"))[0] == 0
    code, _, err = run("replay", target)
    assert code == 2
    assert "the mask of group 1 'sky.png' is neither beside" in err
    Image.fromarray(scene(64, 72)).save(material / "guide.png")
    code, _, err = run("replay", target, "--files", material)
    assert code == 2
    assert "'guide.png' is not the guide of group 2 that was used: its sha256 differs" in err


def test_of_several_files_of_a_name_the_one_that_was_used_is_found(run: Run, photo: Path, material: Path) -> None:
    target = photo.with_name("out.png")
    assert run("dream", photo, "-o", target, *QUICK, *options(material, "guide"))[0] == 0
    Image.fromarray(scene(64, 72)).save(photo.with_name("guide.png"))
    (material / "a").mkdir()
    Image.fromarray(scene(60, 60)).save(material / "a" / "guide.png")
    code, _, err = run("replay", target, "--files", material)
    assert code == 0, err
    assert "the bytes are the same" in err


@pytest.mark.slow
def test_like_keeps_the_guide_unless_told_otherwise(run: Run, photo: Path, material: Path, tmp_path: Path) -> None:
    target = material / "out.png"
    assert run("dream", photo, "-o", target, *QUICK, *options(material, "guide"))[0] == 0
    other = tmp_path / "other.png"
    Image.fromarray(scene(64, 80)).save(other)
    for given, kept in (
        ((), ("guide.png", None)), (("--class", "lion"), (None, "lion")),
        (("--guide", material / "art" / "monet" / "1.png"), ("1.png", None)),
    ):  # fmt: skip
        code, out, err = run("dream", "--like", target, other, *given)
        assert code == 0, err
        config = read_settings(out.strip())["config"]
        assert (config["guide"], config["class_name"]) == kept
    moved = tmp_path / "moved.png"
    moved.write_bytes(target.read_bytes())
    code, _, err = run("dream", "--like", moved, other)
    assert code == 2
    assert "the guide 'guide.png' is neither beside" in err
    assert run("dream", "--like", moved, other, "--class", "lion")[0] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--class", "lion", "--layer", "mixed4a"), "--layer does not go with --class"),
        (("--guide", "GUIDE", "--channel", 3, "--layer", "mixed4a"), "--channel does not go with --guide"),
        (("--group", "layer=mixed4a", "--class", "lion"), "--class does not go with --group"),
        (("--guide-form", "channels"), "--guide-form goes with --guide"),
        (("--group", "colour=red"), "no key called 'colour'"),
        (("--group", "mask=nowhere.png"), "nowhere.png"),
        (("--group", "class=lion,layer=mixed4a"), "--layer does not go with --class"),
        (("--target-from", "GUIDE", "--target-class", "monet"), "picks from a folder"),
        (("--guide-class", "lyon"), "nearest: lion"),
        (("--guide-form", "nearest", "--guide", "GUIDE"), "--guide-form must be one of"),
    ],
)
def test_contradictions_are_one_line_and_write_nothing(
    run: Run, photo: Path, material: Path, given: tuple[object, ...], words: str
) -> None:
    found = [material / "guide.png" if word == "GUIDE" else word for word in given]
    code, out, err = run("dream", photo, *QUICK, *found)
    assert code == 2
    assert words in err
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert not photo.with_name("photo-dream.png").exists()


@pytest.mark.parametrize("option", [("--caricature",), ("--keep-colors",), ("--group", "layer=mixed4a")])
def test_without_a_picture_there_is_nothing_to_keep(run: Run, tmp_path: Path, option: tuple[str, ...]) -> None:
    code, _, err = run("dream", "-o", tmp_path / "out.png", "--size", 64, *option)
    assert code == 2
    assert "needs a picture" in err


def test_a_mask_of_another_size_is_said(run: Run, photo: Path, material: Path) -> None:
    code, _, err = run("dream", photo, *QUICK, *options(material, "groups"))
    assert code == 0
    assert "the mask of group 1 is 64 x 48 px; resized to 128 x 96" in err


def test_a_guide_dreams_from_noise_too(run: Run, tmp_path: Path, material: Path) -> None:
    target = tmp_path / "noise.png"
    code, _, err = run("dream", "-o", target, "--size", 64, "--steps", 1, "--octaves", 1, *options(material, "guide"))
    assert code == 0, err
    assert "the bytes are the same" in run("replay", target, "--files", material)[2]


def test_a_folder_opens_its_guide_and_its_ascent_once(
    run: Run, material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reverie.tools.dream import references
    from reverie.tools.dream_steps import objective

    counted: list[str] = []
    for module, name in ((references, "read_references"), (objective, "build_ascent")):
        made = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *how, made=made, name=name: (counted.append(name), made(*how))[1])
    (tmp_path / "in").mkdir()
    for number in range(3):
        Image.fromarray(np.roll(scene(32, 40), 5 * number, axis=1)).save(tmp_path / "in" / f"{number}.png")
    how = ("--guide", material / "guide.png", "--guide-form", "channels", "--workers", 1)
    code, _, err = run("dream", tmp_path / "in", "-o", f"{tmp_path / 'out'}/", *QUICK, *how)
    assert code == 0, err
    assert sorted(counted) == ["build_ascent", "read_references"]
