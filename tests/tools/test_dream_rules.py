import dataclasses
import subprocess
import sys

import pytest

from reverie.errors import InputError
from reverie.settings import parse_settings, to_record, without_rivals
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.rules import check_together

SUBJECTS = {
    "layer": ("mixed4c",), "channel": (3,), "class_name": "lion", "guide": "a.jpg", "guide_class": "lion",
    "caricature": True, "group": ("layer=mixed4c",), "target_from": "b.jpg",
}  # fmt: skip
TOGETHER = {
    ("layer", "channel"), ("layer", "guide"), ("layer", "guide_class"), ("layer", "caricature"),
    *((one, "target_from") for one in ("layer", "channel", "class_name", "guide", "guide_class", "caricature")),
}  # fmt: skip


@pytest.mark.parametrize("one", SUBJECTS)
@pytest.mark.parametrize("two", SUBJECTS)
def test_the_table_of_what_goes_together(one, two):
    config = DreamConfig(**{one: SUBJECTS[one], two: SUBJECTS[two]})
    if one == two or (one, two) in TOGETHER or (two, one) in TOGETHER:
        check_together(config)
        return
    with pytest.raises(InputError, match="does not go with") as error:
        check_together(config)
    message = str(error.value)
    for name in (one, two):
        assert ("--class" if name == "class_name" else "--" + name.replace("_", "-")) in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"guide_form": "channels"}, "--guide-form goes with --guide"),
        ({"guide_size": 96}, "--guide-size goes with --guide"),
        ({"caricature_power": 2.0}, "--caricature-power goes with --caricature"),
        ({"target_class": "monet"}, "--target-class goes with --target-from"),
        ({"target_layer": ("conv1",)}, "--target-layer goes with --target-from"),
        ({"target_weight": 2.0}, "--target-weight goes with --target-from"),
        ({"target_form": "gram"}, "--target-form goes with --target-from"),
        ({"group": ("layer=a",), "canvas": "spectrum"}, "--canvas spectrum"),
    ],
)
def test_parts_without_their_whole_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        check_together(DreamConfig(**settings))


@pytest.mark.parametrize(
    "settings", [{"caricature": True}, {"group": ("layer=a",)}, {"keep_colors": True}, {"mask": "m.png"}]
)
def test_what_needs_a_picture_says_so(settings):
    check_together(DreamConfig(**settings))
    check_together(DreamConfig(**settings), has_picture=True)
    with pytest.raises(InputError, match="needs a picture"):
        check_together(DreamConfig(**settings), has_picture=False)


def test_new_settings_replace_the_stored_ones_that_stand_against_them():
    stored = to_record(DreamConfig(layer=("mixed4a",), guide="g.jpg", guide_form="cosine", steps=3, seed=7))
    for given in ({"class_name": "lion"}, {"caricature": True}, {"group": ("layer=a",)}, {"guide_class": "lion"}):
        config = parse_settings(DreamConfig, without_rivals(DreamConfig, stored, given) | given, "they")
        check_together(config)
        assert (config.steps, config.seed, config.guide, config.guide_form) == (3, 7, None, "best-match")
        assert config.layer == (() if "class_name" in given or "group" in given else ("mixed4a",))
    kept = without_rivals(DreamConfig, stored, {"octaves": 2, "layer": ("mixed5a",)})
    assert parse_settings(DreamConfig, kept, "they") == parse_settings(DreamConfig, stored, "they")
    artwork = to_record(DreamConfig(target_from="a.jpg", target_weight=9.0, class_name="lion"))
    assert without_rivals(DreamConfig, artwork, {"layer": ("conv1",)}).get("class_name") is None
    assert without_rivals(DreamConfig, artwork, {"layer": ("conv1",)})["target_weight"] == 9.0
    assert "target_weight" not in without_rivals(DreamConfig, artwork, {"group": ("layer=a",)})


def test_every_setting_that_another_names_exists_and_stands_against_it_too():
    fields = {field.name: field.metadata for field in dataclasses.fields(DreamConfig)}
    for name, facts in fields.items():
        assert {*facts["needs"], *facts["excludes"]} <= set(fields)
        assert all(name in fields[other]["excludes"] for other in facts["excludes"]), name
    check_together(DreamConfig())


def test_rules_and_groups_are_read_without_torch():
    program = "import sys, reverie.tools.dream.rules, reverie.tools.dream.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
