"""`--quality draft|good|best` says how long a style transfer works; a number is the quality of the file, as ever."""

from __future__ import annotations

import json

import pytest
from cli_case import Run, scene
from PIL import Image

from reverie.tools.style.presets import PRESETS


@pytest.fixture
def pair(tmp_path):
    for name in ("photo.png", "painting.png"):
        Image.fromarray(scene(96, 128)).save(tmp_path / name)
    return tmp_path / "photo.png", tmp_path / "painting.png"


def steps(run: Run, *words: object) -> list[int]:
    code, out, err = run("style", *words, "--size", "512", "--dry-run")
    assert code == 0, err
    return [scale["steps"] for scale in json.loads(out)["scales"]]


def test_words_are_presets_which_options_change(run: Run, pair) -> None:
    good = steps(run, *pair)
    assert good == [200, 150, 112, 84, 63] == steps(run, *pair, "--quality", "good")
    assert steps(run, *pair, "--quality", "draft") == [60, 36, 22, 13, 8] == steps(run, *pair, "--preset", "draft")
    assert steps(run, *pair, "--quality", "best") == [400, 340, 289, 246, 209]
    assert steps(run, *pair, "--quality", "draft", "--steps", "30")[0] == 30


def test_numbers_are_those_of_files_and_nothing_else_is_taken(run: Run, pair) -> None:
    assert steps(run, *pair, "--quality", "80") == steps(run, *pair)
    for words in (("style", *pair, "--quality", "great"), ("style", *pair, "--quality", "0"),
                  ("dream", pair[0], "--quality", "draft")):  # fmt: skip
        code, _, err = run(*words, "--dry-run")
        assert code == 2 and "--quality must be between 1 and 100" in err, err
    _, _, err = run("style", *pair, "--quality", "great", "--dry-run")
    assert "draft, good, best" in err


def test_help_says_what_each_does(run: Run) -> None:
    _, out, _ = run("style", "--help-all")
    words = " ".join(out.split())
    assert "--quality N|draft|good|best" in words and "a sixth of the work" in words
    assert all(f"{name}: " in words for name in PRESETS)
