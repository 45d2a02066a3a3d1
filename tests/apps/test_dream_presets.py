"""Looks by name: each is a line of settings that the result stores, so that it replays and other options win."""

import json

import pytest
from cli_case import scene
from PIL import Image

from reverie import dream
from reverie.apps.cli.main import main
from reverie.errors import InputError
from reverie.media.metadata import read_settings
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.presets import PRESETS, USUAL
from reverie.tools.dream_steps.memory import plan_memory


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


def asked(capsys, *words):
    assert main(["dream", *map(str, words), "--dry-run"]) == 0
    return json.loads(capsys.readouterr().out)["config"]


def test_a_photograph_gets_the_usual_look_unless_something_says_what_is_raised(photo, capsys):
    look = PRESETS[USUAL][1]
    usual = asked(capsys, photo)
    assert {name: usual[name] for name in look} == look
    assert asked(capsys, photo, "--steps", 2, "--step-size", 0.02)["step_size"] == 0.02
    plain = DreamConfig()
    for words in (("--layer", "mixed5b"), ("--objective", "l2"), ("--preset", "classic")):
        config = asked(capsys, photo, *words)
        assert (config["step_size"], config["normalize"]) == (plain.step_size, plain.normalize)
    things = asked(capsys, photo, "--class", "goldfish")
    assert (things["octaves"], things["step_size"], things["layer"]) == (7, 0.0045, [])
    assert asked(capsys, photo, "--class", "goldfish", "--normalize", "std")["octaves"] == plain.octaves
    nothing = asked(capsys, "--size", 64)
    assert (nothing["objective"], nothing["layer"]) == ("l2", [])


def test_in_python_the_look_is_the_same(photo, capsys):
    config = asked(capsys, photo)
    work = dream(photo)
    assert (work.config.objective, list(work.config.layer)) == (config["objective"], config["layer"])
    assert dream(photo, layer=("mixed5b",)).config.objective == "l2"


def test_what_is_too_large_for_memory_is_dreamt_without_what_needs_it(photo, monkeypatch):
    def tight(size, config, critic, ascent, **rest):
        if not rest.get("disk"):
            raise InputError("too little memory")
        return plan_memory(size, config, critic, ascent, **rest)

    monkeypatch.setattr(
        "reverie.tools.dream_steps.ascent.plan_memory",
        lambda *a, **k: tight(*a, **(k | {"disk": k["disk"] is not False})),
    )
    record = dream(photo, size=128).settings()
    assert record["disk"] is True
    assert record["config"]["normalize"] == "mean-abs"


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
