"""Guides, artworks and groups in films on the command line: recorded, replayed, gone on with, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_case import Run, scene
from PIL import Image

from clips import pan
from quick_values import quick_values
from reverie.media.animation_write import AnimationWriter
from reverie.media.metadata import read_settings
from reverie.tools.dream_film.loop_work import LoopDream

QUICK = ("--steps", 1, "--octaves", 1, "--precision", "fp32", "--layer", "conv2")
FILM = ("--zoom", "1.2/s", "--seconds", 0.5, "--fps", 6, "--size", 64)


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """Return a folder with a guide, a mask and artworks, apart from the sources."""
    folder = tmp_path / "material"
    (folder / "art").mkdir(parents=True)
    Image.fromarray(scene(64, 72)[::-1].copy()).save(folder / "guide.png")
    mask = np.zeros((48, 64), np.uint8)
    mask[:, :32] = 255
    Image.fromarray(mask).save(folder / "sky.png")
    for number in range(3):
        Image.fromarray(np.roll(scene(72, 64), 9 * number, axis=1)).save(folder / "art" / f"{number}.png")
    return folder


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.gif"
    with AnimationWriter(path, (48, 64)) as writer:
        for frame in pan(3, (0, 3), (48, 64)):
            writer.write(frame, 100)
    return path


def options(material: Path, kind: str) -> tuple[object, ...]:
    """Return the options of one way to follow something."""
    sky, guide = material / "sky.png", material / "guide.png"
    return {
        "guide": ("--guide", guide, "--keep-colors", *QUICK),
        "guide-class": ("--guide-class", "monarch", "--mask", sky, *QUICK),
        "target": ("--target-from", material / "art", *QUICK),
        "caricature": ("--caricature", *QUICK),
        "groups": (
            "--group", f"mask={sky},class=lion,soften=2", "--group", f"outside={sky},layer=conv2,guide={guide}",
            *QUICK[:-2],
        ),
    }[kind]  # fmt: skip


KINDS = ("guide", "guide-class", "target", "caricature", "groups")


@pytest.mark.parametrize("kind", quick_values(KINDS, ("guide", "groups")))
@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.slow
def test_a_film_names_its_pictures_and_is_replayed_with_them(
    run: Run, photo: Path, clip: Path, material: Path, kind: str, moving: bool
) -> None:
    source, film = (photo, FILM) if moving else (clip, ())
    target = photo.with_name("out.gif")
    code, _, err = run("dream", source, *film, "-o", target, *options(material, kind))
    assert code == 0, err
    record = read_settings(target)
    assert str(photo.parent) not in json.dumps(record)
    roles = {"guide": ["guide"], "guide-class": ["mask"], "target": ["target_from"],
             "groups": ["group 1 mask", "group 2 guide", "group 2 mask"]}  # fmt: skip
    assert sorted(record.get("files", {})) == roles.get(kind, [])
    assert all(len(about["sha256"]) == 64 for about in record.get("files", {}).values())
    code, out, err = run("replay", target, "--files", material)
    assert code == 0 and "the bytes are the same" in err, err
    assert Path(out.strip()).read_bytes() == target.read_bytes()


def test_an_artwork_is_picked_by_the_name_of_the_source_once(run: Run, clip: Path, photo: Path, material: Path) -> None:
    still, film = clip.with_name("still.png"), clip.with_name("out.gif")
    assert run("dream", clip, "-o", still, "--size", 48, *options(material, "target"))[0] == 0
    assert run("dream", clip, "-o", film, *options(material, "target"))[0] == 0
    assert read_settings(film)["config"]["target_from"] == read_settings(still)["config"]["target_from"]


def test_another_guide_is_refused_when_going_on_and_in_a_replay(
    run: Run, photo: Path, material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, target = LoopDream.__iter__, photo.with_name("out.mp4")

    def interrupted(self: LoopDream):
        for frame in original(self):
            yield frame
            if frame.index == 1:
                raise KeyboardInterrupt

    base = ("dream", photo, *FILM, *options(material, "groups"))
    film = (*base, "-o", target)
    monkeypatch.setattr(LoopDream, "__iter__", interrupted)
    assert run(*film)[0] == 130
    monkeypatch.undo()
    guide = material / "guide.png"
    blob = guide.read_bytes()
    Image.fromarray(scene(60, 60)).save(guide)
    code, _, err = run(*film)
    assert code == 2 and "made differently (files group 2 guide sha256" in err and err.count("\n") == 1
    guide.write_bytes(blob)
    code, _, err = run(*film)
    assert code == 0 and "going on after frame 2" in err
    whole = photo.with_name("whole.mp4")
    assert run(*base, "-o", whole)[0] == 0
    assert whole.read_bytes() == target.read_bytes()
    Image.fromarray(scene(60, 60)).save(guide)
    code, _, err = run("replay", target, "--files", material)
    assert code == 2 and "'guide.png' is not the guide of group 2 that was used: its sha256 differs" in err


def test_a_renamed_mask_replays_to_the_same_bytes(run: Run, clip: Path, material: Path) -> None:
    target, renamed = clip.with_name("out.gif"), clip.with_name("renamed.png")
    assert run("dream", clip, "-o", target, *options(material, "guide-class"))[0] == 0
    (material / "sky.png").rename(renamed)
    assert "the bytes are the same" in run("replay", target, "--mask", renamed)[2]


def test_groups_of_a_film_fade_by_keyframes(run: Run, clip: Path, material: Path) -> None:
    keys, target = clip.with_name("keys.yaml"), clip.with_name("out.gif")
    keys.write_text("group: {0%: {1: 1}, 100%: {2: 1}}\n")
    groups = options(material, "groups")
    code, _, err = run("dream", clip, "-o", target, "--keyframes", keys, "--coherence", "none", *groups)
    assert code == 0, err
    keys.unlink()
    assert "the bytes are the same" in run("replay", target, "--files", material)[2]
    keys.write_text("group: {0: 3}\n")
    code, _, err = run("dream", clip, "-o", clip.with_name("no.gif"), "--keyframes", keys, *groups)
    assert code == 2 and "'keys.yaml' line 1: no group '3'; expected 1 to 2" in err and err.count("\n") == 1


@pytest.mark.parametrize("option", [("--caricature",), ("--keep-colors",), ("--group", "layer=conv2")])
def test_a_film_from_nothing_has_nothing_to_keep(run: Run, tmp_path: Path, option: tuple[str, ...]) -> None:
    code, _, err = run("dream", "-o", tmp_path / "out.mp4", *FILM, *option)
    assert code == 2 and "needs a picture to work on" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())
