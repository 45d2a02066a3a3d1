"""Recipes are read by the types of the settings, and what is wrong in them is named together with the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_case import Run

from reverie.apps.cli.recipe import read_recipe
from reverie.errors import InputError
from reverie.train.classifier_config import ClassifierConfig


def recipe(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_values_take_the_types_of_their_settings(tmp_path: Path) -> None:
    text = "lr: 1e-3\nepochs: 20\nmin-scale: 0.7\nprogressive: true\nminutes: null\nbatch: 64\nval: other\n"
    settings = read_recipe(recipe(tmp_path, text), ClassifierConfig)
    assert settings == {
        "lr": 0.001, "epochs": 20.0, "min_scale": 0.7, "progressive": True, "minutes": None, "batch": 64,
        "val": "other",
    }  # fmt: skip
    assert type(settings["epochs"]) is float
    assert read_recipe(recipe(tmp_path, "# nothing yet\n"), ClassifierConfig) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("archtecture: vgg", "no setting called 'archtecture'; nearest: architecture"),
        ("label-smooting: 0.1", "nearest: label_smoothing"),
        ("epochs: many", "'epochs' in the recipe .* must be a number; got 'many'"),
        ("batch: 16.5", "'batch' in the recipe .* must be a whole number; got '16.5'"),
        ("batch: true", "must be a whole number; got 'True'"),
        ("flip: 3", "'flip' in the recipe .* must be true or false; got '3'"),
        ("lr: [1, 2]", "'lr' in the recipe .* must be a number"),
        ("batch: null", "'batch' in the recipe .* must be a whole number"),
        ("architecture: 3", "must be text"),
        ("- lr", "must hold settings by name"),
        ("lr: {", "line 1: not valid YAML"),
        ("lr: \x01", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as error:
        read_recipe(recipe(tmp_path, text), ClassifierConfig)
    assert "mine.yaml" in str(error.value) and "\n" not in str(error.value)


def test_a_missing_recipe_and_a_folder_are_said(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "gone.yaml", "no recipe at"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=words):
            read_recipe(str(path), ClassifierConfig)


def test_the_command_line_says_it_in_one_line(run: Run, tmp_path: Path) -> None:
    path = recipe(tmp_path, "archtecture: vgg\n")
    code, out, err = run("train", "classifier", tmp_path, "--recipe", path, "--dry-run")
    assert (code, out) == (2, "")
    assert err.startswith("reverie: no setting called 'archtecture'; nearest: architecture")
    assert err.endswith(f"the recipe '{path}' has it\n")
