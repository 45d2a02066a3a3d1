"""The films of `reverie style`, as a tool of their own: frames know each other, and styles may change over the film."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reverie.jobs.tool import Prepared, Role, Tool
from reverie.tools.style.film_config import StyleFilmJob
from reverie.tools.style.keys import read_style_keys
from reverie.tools.style.named import settled, split_weight
from reverie.tools.style.rules import check_inputs
from reverie.tools.style.tool import STYLE

if TYPE_CHECKING:
    from reverie.jobs.session import Session


def _prepare(job: StyleFilmJob, session: Session) -> Prepared:
    from reverie.tools.style.film_work import PreparedStyleFilm

    return PreparedStyleFilm(job, session)


def settled_film(job: StyleFilmJob, name: str) -> StyleFilmJob:
    """Return the settings with what a file of keyframes holds in its place, and what its styles are called there.

    Raises:
        InputError: the file cannot be read; or as `settled`.
    """
    config, keys = settled(job.config, name), job.video.keyframes
    if keys is None or keys.startswith("{"):
        return replace(job, config=config)
    found = read_style_keys(keys)
    names = [split_weight(text)[0].name for text in config.style]
    text = json.dumps({"name": found.name, "text": found.text, "names": names}, ensure_ascii=False)
    return StyleFilmJob(config, replace(job.video, keyframes=text))


def _upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record with its keyframes, which stand beside its settings, among them."""
    keys, config, video = (record.get(name) for name in ("keyframes", "config", "video"))
    if not (isinstance(keys, Mapping) and isinstance(config, Mapping) and isinstance(video, Mapping)):
        return record
    styles = cast("list[object]", config.get("style") or [])
    names = [text.rpartition(":")[0] for text in styles if isinstance(text, str)]
    text = json.dumps({"name": keys.get("name"), "text": keys.get("text"), "names": names}, ensure_ascii=False)
    return {**record, "video": {**video, "keyframes": text}}


def _network(job: StyleFilmJob) -> Path | None:
    return None if STYLE.network is None else STYLE.network(job.config)


STYLE_FILM: Tool[StyleFilmJob] = Tool(
    name="style-film", doing="painting", ending="style", summary=STYLE.summary, config=StyleFilmJob, prepare=_prepare,
    roles=(Role("content", "film", "Film, or picture that is shown for a while.", streamed=True), *STYLE.fixed),
    makes="film", suffix=".mp4", check=lambda job: check_inputs(job.config), upgrade=_upgraded, settle=settled_film,
    network=_network,
)  # fmt: skip
