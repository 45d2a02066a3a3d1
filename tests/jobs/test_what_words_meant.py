"""Replays understand words as they were understood when the result was made: classes, masks that are cut-outs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from reverie import dream, info, replay
from reverie.critic.classes import find_recorded, meaning
from reverie.errors import JobError, LayerError

CLASSES = ("goldfish", "Egyptian-cat", "tabby", "dining-table", "desk", "cauliflower", "bighorn")


def recorded(text: str, **meant: list[str]) -> list[str]:
    return [CLASSES[i] for i in find_recorded(text, meant, CLASSES, len(CLASSES), "net")]


def test_an_older_record_names_a_class_by_a_part_of_its_name() -> None:
    assert recorded("flower") == ["cauliflower"]  # refused today: no class of these is a flower
    assert recorded("table") == ["dining-table"]  # a desk is a table too today
    assert recorded("cat") == ["Egyptian-cat"]  # tabby is one today
    assert recorded("3") == ["dining-table"]
    with pytest.raises(LayerError):
        recorded("nothing")


def test_a_record_says_which_classes_a_word_meant() -> None:
    assert recorded("table", table=["desk"]) == ["desk"]
    assert meaning("table", (3, 4), CLASSES) == ["dining-table", "desk"]
    assert meaning("Dining table", (3,), CLASSES) is None  # says it itself
    assert meaning("goldfish, 5", (0, 5), CLASSES) is None
    twins = ("crane", "goldfish", "crane")
    assert meaning("bird", (0, 2), twins) == ["0", "2"]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:64, 0:80]
    rgb = np.stack([x * 3, y * 3, 255 - x], -1).clip(0, 255).astype(np.uint8)
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    alpha = np.where((x > 20) & (y > 10), 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([rgb // 2, alpha])).save(tmp_path / "cut.png")
    return tmp_path / "photo.png"


def with_record(path: Path, change: dict[str, object]) -> None:
    """Write a picture's record anew, as an older version would have written it."""
    with Image.open(path) as image:
        record = json.loads(image.text["reverie"])  # type: ignore[attr-defined]
        pixels = image.copy()
    about = PngImagePlugin.PngInfo()
    record["config"] |= change
    record.pop("classes", None)
    about.add_itxt("reverie", json.dumps({**record, "config": {k: v for k, v in record["config"].items() if v != "-"}}))
    pixels.save(path, pnginfo=about)


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.mark.slow
def test_a_group_of_classes_is_in_the_record_and_replays(photo: Path) -> None:
    made = dream(photo, class_name="dog", steps=1, octaves=1).save(photo.with_name("dog.png"))
    assert "golden-retriever" in info(made)["classes"]["dog"]
    (again,) = replay(made).save(photo.with_name("again.png"))
    assert again.read_bytes() == made.read_bytes()


@pytest.mark.slow
def test_an_older_picture_of_a_part_of_a_name_is_made_again(photo: Path) -> None:
    made = dream(photo, class_name="cauliflower", steps=1, octaves=1).save(photo.with_name("old.png"))
    assert "classes" not in info(made)
    with_record(made, {"class_name": "flower"})
    (again,) = replay(made).save(photo.with_name("again.png"))
    assert np.array_equal(pixels(again), pixels(made))
    assert info(again) == info(made)  # nothing added to what it said


@pytest.mark.slow
def test_masks_that_are_cut_outs_replay_by_the_rule_of_their_time(photo: Path) -> None:
    cut = str(photo.with_name("cut.png"))
    now = dream(photo, mask=cut, steps=1, octaves=1).save(photo.with_name("now.png"))
    old = dream(photo, mask=cut, mask_by="brightness", steps=1, octaves=1).save(photo.with_name("old.png"))
    assert info(now)["config"]["mask_by"] == "opacity"
    assert "mask_by" not in info(old)["config"]
    assert not np.array_equal(pixels(now), pixels(old))
    for made in (now, old):
        (again,) = replay(made).save(photo.with_name(f"again-{made.name}"))
        assert again.read_bytes() == made.read_bytes()


@pytest.mark.slow
def test_a_record_with_settings_as_young_as_the_rule_of_masks_replays_by_it(photo: Path) -> None:
    cut = str(photo.with_name("cut.png"))
    made = dream(photo, keep=cut, steps=1, octaves=1).save(photo.with_name("kept.png"))
    with_record(made, {"mask_by": "-"})  # as in the days between the rule and the word for it
    (again,) = replay(made).save(photo.with_name("again.png"))
    assert np.array_equal(pixels(again), pixels(made))
    assert info(again) == info(made)


@pytest.mark.slow
def test_a_record_that_does_not_say_its_rule_is_doubted_in_one_line(photo: Path) -> None:
    cut = str(photo.with_name("cut.png"))
    made = dream(photo, mask=cut, mask_by="brightness", steps=1, octaves=1).save(photo.with_name("old.png"))
    assert any("by brightness, as at first" in note for note in replay(made).notes)
    grey = photo.with_name("grey.png")
    Image.fromarray(np.tri(64, 80, dtype=np.uint8) * 255).save(grey)
    made = dream(photo, mask=str(grey), steps=1, octaves=1).save(photo.with_name("plain.png"))
    assert not any("brightness" in note for note in replay(made).notes)


def test_a_damaged_list_of_meanings_is_one_line(photo: Path) -> None:
    made = dream(photo, class_name="dog", steps=1, octaves=1).save(photo.with_name("dog.png"))
    with Image.open(made) as image:
        record, shown = json.loads(image.text["reverie"]), image.copy()  # type: ignore[attr-defined]
    about = PngImagePlugin.PngInfo()
    about.add_itxt("reverie", json.dumps(record | {"classes": {"dog": "cat"}}))
    shown.save(made, pnginfo=about)
    with pytest.raises(JobError, match="'classes'"):
        replay(made)
