"""One table says what a suffix means: whoever asks, the answer is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from reverie.data.sources import kind_of
from reverie.jobs.queue.taken import made_of
from reverie.media.footage import is_footage
from reverie.media.mesh import READERS
from reverie.media.suffixes import FILMS_OFFERED, KINDS, MESHES, PICTURES, PICTURES_WRITTEN, VIDEOS, VIDEOS_WRITTEN
from reverie.media.write import ENCODERS


@pytest.mark.parametrize("suffix", [*VIDEOS, *PICTURES])
def test_whether_it_is_a_film_has_one_answer(suffix: str) -> None:
    """Also `.mts` and `.mxf`, which were films for one reader and pictures for another."""
    missing = f"not-there{suffix}"
    film = suffix in VIDEOS
    assert (kind_of(missing) == "film") is is_footage(missing) is film
    assert KINDS[suffix] == ("film" if film else "picture")


def test_the_table_names_what_can_be_read_and_written() -> None:
    assert set(ENCODERS) == set(PICTURES_WRITTEN) < set(PICTURES)
    assert set(READERS) == set(MESHES)
    assert set(VIDEOS_WRITTEN) < set(VIDEOS) and not set(VIDEOS) & set(PICTURES)
    assert set(FILMS_OFFERED) <= {*VIDEOS_WRITTEN, *PICTURES_WRITTEN, ".gif"}


def test_results_are_of_the_kinds_that_the_pages_know(tmp_path: Path) -> None:
    found = {}
    for name in ("a.csv", "a.mp4", "a.m4v", "a.glb", "a.safetensors", "a.html", "a.json", "a.zip", "a.yaml"):
        (tmp_path / name).write_bytes(b"x")
        found[name[2:]] = made_of(tmp_path / name).kind
    assert found == {
        "csv": "table", "mp4": "film", "m4v": "film", "glb": "mesh", "safetensors": "network", "html": "page",
        "json": "table", "zip": "file", "yaml": "file",
    }  # fmt: skip
