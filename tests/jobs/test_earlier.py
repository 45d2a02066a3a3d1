"""What a command made of pictures in a folder is not taken for a picture of that folder when it is run again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy import INVERT, InvertConfig, find

from reverie.jobs.earlier import earlier_note, earlier_results
from reverie.jobs.execute import execute
from reverie.jobs.given import Given
from reverie.jobs.run import open_run
from reverie.jobs.session import Session
from reverie.jobs.watch import Nobody


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("a.png", "b.jpg")):
        Image.fromarray(np.full((12, 16, 3), 60 + 90 * number, np.uint8)).save(tmp_path / name)
    return tmp_path


def made(source: Path, target: Path, **settings: float) -> Path:
    run = open_run(INVERT, InvertConfig(**settings), Given(source), Session())
    execute(run, target, Nobody())
    run.close()
    return target


def found(folder: Path, tool: str = "invert") -> list[str]:
    assert find(tool).name == tool
    kinds = {"film(invert)": "invert"}
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    return [path.name for path in earlier_results(paths, tool, lambda name: kinds.get(name, name))]


def test_results_of_others_in_the_list_are_found_whatever_their_names_and_settings(folder: Path) -> None:
    assert found(folder) == []
    first = made(folder / "a.png", folder / "a-invert.png")
    made(folder / "a.png", folder / "anything.png", strength=0.5)
    made(first, folder / "twice.png")  # of a result that is left out itself
    assert found(folder) == found(folder, "film(invert)") == ["a-invert.png", "anything.png", "twice.png"]
    (folder / "a.png").rename(folder / "c.png")
    assert found(folder) == ["a-invert.png", "anything.png", "twice.png"]


def test_results_of_something_else_stay(folder: Path) -> None:
    made(folder / "a.png", folder / "a-invert.png")
    elsewhere = folder / "results"
    elsewhere.mkdir()
    shutil.move(folder / "a-invert.png", elsewhere)
    assert found(folder) == found(elsewhere) == []  # a folder of results is worked on, as it was asked for
    (folder / "b.jpg").write_bytes(b"no picture")
    assert found(folder) == []


def test_the_line_names_a_few() -> None:
    assert earlier_note([Path("x/a.png")]) == (
        "left out an earlier result of this command, made from others here: 'a.png'; name one alone to use it"
    )
    assert "5 earlier results" in earlier_note([Path(f"{n}.png") for n in range(5)])
    assert "'2.png' ...;" in earlier_note([Path(f"{n}.png") for n in range(5)])
