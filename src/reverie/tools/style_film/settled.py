"""The settings of a film in a style as they count for one source: keyframes by their text, artworks by their names."""

from __future__ import annotations

from dataclasses import replace

from reverie.tools.films.work import keys_text
from reverie.tools.style.named import settled, split_weight
from reverie.tools.style_film.config import StyleFilmJob
from reverie.tools.style_film.keys import READERS


def settled_film(job: StyleFilmJob, name: str) -> StyleFilmJob:
    """Return the settings with what a file of keyframes holds in its place, and what its styles are called there.

    Raises:
        InputError: the file cannot be read; or as `settled`.
    """
    config = settled(job.config, name)
    names = [split_weight(text)[0].name for text in config.style]
    return StyleFilmJob(config, replace(job.video, keyframes=keys_text(job.video.keyframes, READERS, names)))
