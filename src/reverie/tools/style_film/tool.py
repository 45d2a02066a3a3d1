"""The films of `reverie style`, as a tool of their own: frames know each other, and styles may change over the film."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.tool import Prepared, Role, Tool
from reverie.tools.dream.mask_rule import with_mask_rule
from reverie.tools.films.work import with_keys
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import check_inputs
from reverie.tools.style.tool import STYLE
from reverie.tools.style_film.config import StyleFilmJob
from reverie.tools.style_film.settled import settled_film

if TYPE_CHECKING:
    from reverie.jobs.session import Session


def _prepare(job: StyleFilmJob, session: Session) -> Prepared:
    from reverie.tools.style_film.work import PreparedStyleFilm

    return PreparedStyleFilm(job, session)


def _upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return a record with its keyframes, which stand beside its settings, among them."""
    record = with_mask_rule(record, StyleConfig)
    config = record.get("config")
    styles = config.get("style") if isinstance(config, Mapping) else None
    listed = styles if isinstance(styles, list) else []
    return with_keys(record, "video", [text.rpartition(":")[0] for text in listed if isinstance(text, str)])


def _network(job: StyleFilmJob) -> Path | None:
    return None if STYLE.network is None else STYLE.network(job.config)


STYLE_FILM: Tool[StyleFilmJob] = Tool(
    name="style-film", doing="stylizing", ending="style", summary=STYLE.summary, config=StyleFilmJob, prepare=_prepare,
    roles=(Role("content", "film", "Film, or picture that is shown for a while.", streamed=True), *STYLE.fixed),
    makes="film", spreads=True, suffix=".mp4", check=lambda job: check_inputs(job.config), upgrade=_upgraded,
    settle=settled_film, network=_network,
)  # fmt: skip
