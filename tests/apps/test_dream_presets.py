"""Looks by name: each is a line of settings that the result stores, so that it replays and other options win."""

import json

import pytest
from cli_case import scene
from PIL import Image

from reverie.apps.cli.main import main
from reverie.media.metadata import read_settings
from reverie.tools.dream_presets import PRESETS


@pytest.fixture
def photo(tmp_path):
    Image.fromarray(scene(64, 80)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_understood(photo, name, capsys):
    assert main(["dream", str(photo), "--preset", name, "--dry-run"]) == 0
    config = json.loads(capsys.readouterr().out)["config"]
    for setting, value in PRESETS[name][1].items():
        assert config[setting] == value


def test_given_options_win_over_a_preset(photo, capsys):
    assert main(["dream", str(photo), "--preset", "creatures", "--class", "goldfish", "--steps", "2", "--dry-run"]) == 0
    config = json.loads(capsys.readouterr().out)["config"]
    assert (config["class_name"], config["layer"], config["steps"]) == ("goldfish", [], 2)


def test_a_preset_is_stored_as_settings_and_replays_to_the_same_bytes(photo, capsys):
    assert main(["dream", str(photo), "--preset", "creatures", "--steps", "2", "--octaves", "1"]) == 0
    made = photo.with_name("a-dream.png")
    assert read_settings(made)["config"]["objective"] == "equalized"
    assert main(["replay", str(made)]) == 0
    assert "the bytes are the same" in capsys.readouterr().err


def test_the_speed_of_a_codec_is_still_understood_and_a_typo_is_not(photo, capsys):
    assert main(["dream", str(photo), "--preset", "craetures"]) == 2
    assert "creatures" in capsys.readouterr().err
    assert main(["dream", str(photo), "--preset", "slow"]) == 2
    assert "--codec-speed goes with a video" in capsys.readouterr().err
