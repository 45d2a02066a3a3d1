"""A coherent film by scenes: each made by itself, and together the frames of one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips import texture, write_clip
from reverie.jobs.given import Given
from reverie.jobs.job import section_types
from reverie.jobs.session import Session
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.tools import DREAM_VIDEO
from reverie.tools.films.scenes import cuts_of, scene_parts


def test_parts_are_whole_scenes_and_not_too_short() -> None:
    assert scene_parts(40, [], 2) == [(0, 40)]
    assert scene_parts(40, [3, 10, 12, 30], 2) == [(0, 10), (10, 30), (30, 40)]
    assert scene_parts(400, [100, 101, 300], 1) == [(0, 100), (100, 300), (300, 400)]


@pytest.mark.slow
def test_scenes_made_by_themselves_are_the_frames_of_one_run(tmp_path: Path) -> None:
    frames = [texture(48, 64, seed=seed // 10) for seed in range(20)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    still = DreamConfig(octaves=1, steps=2, layer=("mixed3a",))
    config = DREAM_VIDEO.config(still, section_types(DREAM_VIDEO.config)["video"]())
    found = {}
    for name in ("whole", "parts"):
        scratch = tmp_path / f"{name}.mp4.frames"
        work = DREAM_VIDEO.prepare(config, Session()).work(Given(clip, kind="film"), 0, scratch=scratch)
        if name == "whole":
            for _ in work:
                pass
        else:
            job = work.job
            job.begin()
            assert cuts_of(job) == [10]
            for part in reversed(scene_parts(job.total, cuts_of(job), 1)):
                work.spread.make(part, job.folder.path)
        found[name] = {path.name: path.read_bytes() for path in sorted(scratch.glob("*.png"))}
    assert len(found["whole"]) == 20
    assert found["parts"] == found["whole"]
