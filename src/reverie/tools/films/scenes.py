"""Scenes of a film as parts that do not know each other: where they begin, found without making any frame.

A frame behind a cut takes nothing from the one before it. So a worker that is given the frames from one cut to another
makes them as they are made in one run; it looks at the source of the frame before, to measure the cut itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from reverie.errors import ReverieError
from reverie.media.flow import is_cut
from reverie.media.footage import footage_frames
from reverie.tools.films.job import FilmJob
from reverie.tools.films.steps import Shown
from reverie.tools.films.video_config import FilmFile

LEAST = 8  # frames of one part; shorter scenes go together


def cuts_of(job: FilmJob[FilmFile]) -> list[int]:
    """Return the numbers of the frames that begin a scene, without the first."""
    if not job.video.cuts:
        return []
    found: list[int] = []
    previous: np.ndarray | None = None
    for number, frame in enumerate(footage_frames(job.footage, start=0)):
        source = job.fitted(frame)
        if previous is None or np.array_equal(source, previous):
            previous = source
            continue
        if is_cut(source, previous, job.estimate(source, previous)):
            found.append(number)
        previous = source
    return found


def scene_parts(total: int, cuts: Sequence[int], workers: int) -> list[tuple[int, int]]:
    """Return first and end of runs of whole scenes, about four for each worker where there are that many."""
    least, edges = max(LEAST, total // (4 * workers)), [0]
    for cut in cuts:
        if cut - edges[-1] >= least:
            edges.append(cut)
    return list(pairwise([*edges, total]))


def make_scenes(job: FilmJob[FilmFile], part: Sequence[int], folder: Path) -> Sequence[str]:
    """Make the frames of one part into the folder of the film.

    Raises:
        ReverieError: no scene begins there after all.
    """
    first, end = part
    history: list[Shown] = []
    if first:
        before = job.fitted(next(footage_frames(job.footage, start=first - 1)))
        history.append(Shown(before, before, np.full(before.shape[:2], 255, np.uint8)))
    frames = islice(footage_frames(job.footage, start=first), end - first)
    for step in job.make(frames, history, first):
        if first and step.index == first and not step.cut:
            raise ReverieError(f"frame {first} was taken for the first of a scene and is none")
        job.store(step)
    return ()
