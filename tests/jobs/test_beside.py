"""Results beside the main one follow the rule of all results: sources and foreign files are never replaced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toy import INVERT, InvertConfig

from reverie.jobs.given import Given
from reverie.jobs.output import Bytes, Folder, Output, Page, Picture, Table
from reverie.jobs.run import Run
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.target import place_beside
from reverie.jobs.work import Report

RGB = np.full((6, 8, 3), 0.5, np.float32)


class PreparedMore:
    """Gives every kind of result beside a picture."""

    notes: Sequence[str] = ()

    def __init__(self, config: InvertConfig, session: Session) -> None:
        pass

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        def reports() -> Iterator[Report]:
            yield Report(1, 1, "steps")

        beside: list[Output] = [
            Picture(RGB, label="views"), Table([{"a": 1}], label="rows"), Page("<html></html>", label="page"),
            Bytes(lambda *_: b"12", (".bin",), label="part"), Folder(lambda f: None, label="report"),
        ]  # fmt: skip
        return Steps(reports(), lambda: [Picture(RGB), *beside])


NAMES = ("a-views.png", "a-rows.json", "a-page.html", "a-part.bin", "a-report")


def saved(folder: Path, source: Path | None = None) -> tuple[list[str], list[str]]:
    tool = replace(INVERT, prepare=PreparedMore)
    given = Given(source or folder / "source.png")
    run = Run(tool, PreparedMore(InvertConfig(), Session()), InvertConfig(), given)
    for _ in run:
        pass
    paths = run.save(folder / "a.png")
    run.close()
    return [path.name for path in paths[1:]], [note for note in run.notes if "is kept" in note]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "source.png")
    return tmp_path


def test_results_of_ours_are_replaced_together_with_the_main_one(folder: Path) -> None:
    assert saved(folder) == saved(folder) == ([*NAMES], [])


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_file_is_kept_and_the_result_counted_up(folder: Path, name: str) -> None:
    place = folder / name
    if place.suffix:
        place.write_bytes(b"mine")
    else:
        place.mkdir()
        (place / "mine.txt").write_bytes(b"mine")
    counted = f"{place.stem}-2{place.suffix}"
    for _ in range(2):  # and again
        names, notes = saved(folder)
        assert names == [counted if other == name else other for other in NAMES]
        assert len(notes) == 1 and f"see '{counted}'" in notes[0]
    assert (place if place.suffix else place / "mine.txt").read_bytes() == b"mine"


def test_a_source_is_kept_also_where_it_is_a_result_of_ours(folder: Path) -> None:
    saved(folder)
    before = (folder / "a-views.png").read_bytes()
    names, _ = saved(folder, source=folder / "a-views.png")
    assert names[0] == "a-views-2.png"
    assert (folder / "a-views.png").read_bytes() == before


def test_notes_of_tensors_say_whose_they_are(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    place = tmp_path / "a.reverie"
    save_file({"x": torch.zeros(1)}, place, metadata={"reverie_style_state": '{"record": {"tool": "style"}}'})
    assert place_beside(place, ()) == place
    save_file({"x": torch.zeros(1)}, place, metadata={"other": '{"record": {"tool": "style"}}'})
    assert place_beside(place, ()).name == "a-2.reverie"
