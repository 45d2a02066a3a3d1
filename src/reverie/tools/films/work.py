"""What dreamt and stylized films share as works: their frames one by one, their keyframes, words. Free of torch."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.errors import InputError
from reverie.jobs.job import Json
from reverie.jobs.spread import Spread
from reverie.jobs.work import Chosen, Plan, Report

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.dream_film.loop_work import LoopDream
    from reverie.tools.films.job import FilmJob
    from reverie.tools.films.video_config import FilmFile
    from reverie.tools.keyframes.file import Readers


class FilmWork:
    """A film as a work: frames lie in a folder beside the result until it is put together.

    Args:
        job: makes the frames.
        plan: all decisions.
        chosen: gives network and machine, and what was measured of the frames that are there.
        words: gives the same for people.
    """

    def __init__(
        self, job: FilmJob[FilmFile] | LoopDream, plan: Plan, chosen: Callable[[], Chosen], words: Callable[[], str]
    ) -> None:
        self.job, self.plan, self._chosen, self._words, self._whole = job, plan, chosen, words, False
        self.notes: list[str] = job.notes
        self.spread = _scenes_of(job)

    @property
    def chosen(self) -> Chosen:
        """Network and machine, and what was measured of the frames that are there."""
        return self._chosen()

    def __iter__(self) -> Iterator[Report]:
        job, fresh = self.job, False
        for part in job.target.parent.glob(f".{glob.escape(job.target.name)}.*.part"):
            part.unlink(missing_ok=True)  # of a run that was killed while it put the film together
        if self.spread is not None and self.spread.elsewhere:
            yield from self._elsewhere(self.spread)
            self.notes.append(self._words())
            return
        for step in job:
            if not fresh and job.done > 1:
                self.notes.append(f"going on after frame {job.done - 1}, which an earlier run made")
            fresh = True
            scores = {} if step.flicker is None else {"flicker": float(step.flicker)}
            cut = "  cut" if getattr(step, "cut", False) else ""
            picture = step.dream if hasattr(step, "dream") else step.pixels  # type: ignore[union-attr]
            yield Report(
                job.done, job.total, "frames", f"frame {job.done}/{job.total}{cut}", scores,
                preview=lambda shown=picture: shown,
            )  # fmt: skip
        self.notes.append(self._words())

    def _elsewhere(self, spread: Spread[tuple[int, int]]) -> Iterator[Report]:
        """Have the scenes that are missing made by others."""
        from reverie.tools.films.job import FilmJob
        from reverie.tools.films.scenes import cuts_of, scene_parts

        job = self.job
        assert isinstance(job, FilmJob)
        job.begin()
        parts = scene_parts(job.total, cuts_of(job), spread.workers)
        parts = [part for part in parts if not all(map(job.folder.has, range(*part)))]
        left = sum(end - first for first, end in parts)
        for (first, end), _ in spread.made(parts, job.folder.path):
            left -= end - first
            job.done = job.total - left
            yield Report(job.done, job.total, "frames", f"frame {job.done}/{job.total}", weight=end - first)

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Refuse: the frames before would not fit."""
        raise InputError("a film cannot be changed while it is made")

    def outputs(self) -> Sequence[Output]:
        """Return the film of the frames that are there."""
        film = self.job.film_output(self._mark)
        return (film,) if film.footage.frames else ()

    def close(self) -> None:
        """Remove the frames once all of them stand in a result; until then the same job goes on with them."""
        if self._whole:
            self.job.folder.remove()

    def _mark(self) -> None:
        self._whole = self.job.folder.count() >= self.job.total


def _scenes_of(job: FilmJob[FilmFile] | LoopDream) -> Spread[tuple[int, int]] | None:
    """Return the scenes of a film as parts for others; a film from a still has one."""
    from reverie.tools.films.job import FilmJob
    from reverie.tools.films.scenes import make_scenes

    return Spread(lambda part, folder: make_scenes(job, part, folder)) if isinstance(job, FilmJob) else None


def target_of(scratch: Path | None) -> Path:
    """Return the name that the folder of frames stands for."""
    if scratch is not None:
        return scratch.with_name(scratch.name.removesuffix(".frames"))
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="reverie-frames-")) / "film.mp4"


def flicker_words(value: float | None, after: str = "") -> str:
    """Return how much a film flickers, in words."""
    return "no flicker to measure" if value is None else f"flicker {value:.2f} of 255{after}"


def measured_words(measured: Mapping[str, Any]) -> str:
    """Return cuts and flicker of a film made from another."""
    flicker = flicker_words(measured["flicker"], f" (of the source: {measured['source_flicker'] or 0:.2f})")
    cuts = len(measured["cuts"])
    return f"{cuts} cut{'' if cuts == 1 else 's'}, {flicker}"


# -- keyframes: a setting that holds a file's path, and once it is settled its name and text ------------------------


def keys_text(value: str | None, readers: Readers | None = None, names: Sequence[str] = ()) -> str | None:
    """Return name and text of a file of keyframes in its place; a setting that holds them already stays.

    Args:
        value: of the setting.
        readers: of the parameters; those of dreams by default.
        names: that the keyframes call other files by.

    Raises:
        InputError: the file cannot be read.
    """
    if value is None or value.startswith("{"):
        return value
    from reverie.tools.keyframes.file import read_keyframes

    found = read_keyframes(value, readers)
    return json.dumps({"name": found.name, "text": found.text, "names": list(names)}, ensure_ascii=False)


def stored_keys(value: str | None) -> dict[str, Any] | None:
    """Return name and text of the file of keyframes that a settled setting holds, and names of other files.

    Raises:
        InputError: it holds something else.
    """
    if value is None:
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InputError("the keyframes inside the film cannot be read") from error
    kinds = {"name": str, "text": str, "names": list}
    if not isinstance(found, dict) or not all(isinstance(found.get(key), kind) for key, kind in kinds.items()):
        raise InputError("the keyframes inside the film cannot be read")
    return found


def keyed_record(value: str | None) -> dict[str, Json]:
    """Return keyframes as they stand in a record, beside the settings."""
    found = stored_keys(value)
    return {} if found is None else {"keyframes": {"name": found["name"], "text": found["text"]}}


def with_keys(record: Mapping[str, object], section: str, names: Sequence[str] = ()) -> dict[str, object]:
    """Return a record with its keyframes, which stand beside its settings, among those of a section."""
    keyed, part = record.get("keyframes"), record.get(section) or {}
    known = {name: value for name, value in record.items() if name != "keyframes"}
    if not (isinstance(keyed, Mapping) and isinstance(part, Mapping)):
        return known
    text = json.dumps({"name": keyed.get("name"), "text": keyed.get("text"), "names": list(names)}, ensure_ascii=False)
    return known | {section: {**part, "keyframes": text}}
