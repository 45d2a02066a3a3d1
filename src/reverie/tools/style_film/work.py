"""A stylized film as a work; see `reverie.tools.films.job`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.work import Chosen, Plan
from reverie.media.deep import to_uint8
from reverie.media.footage import Footage, Still, footage_frames, is_footage, still_footage
from reverie.media.image import read_picture
from reverie.settings import to_record
from reverie.tools.dream.mask_rule import resolved_rule
from reverie.tools.fast.styling import fast_plan, read_fast
from reverie.tools.films.job import FilmJob, as_before, manifest_of
from reverie.tools.films.loop_config import film_length
from reverie.tools.films.motion_estimate import open_estimator
from reverie.tools.films.steps import FrameMaker, Shown, VideoStep, film_steps
from reverie.tools.films.work import FilmWork, keyed_record, measured_words, stored_keys, target_of
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import check_film, check_style
from reverie.tools.style.sources import read_styles
from reverie.tools.style.work import decisions_of, meant_of, open_network
from reverie.tools.style_film.config import StyleFilmConfig, StyleFilmJob
from reverie.tools.style_film.frames import HOLD, FastFrames, StyleFrames, fitted, frames_back, later_steps
from reverie.tools.style_film.keys import StyleKeys, parse_style_keys
from reverie.tools.style_film.settled import settled_film
from reverie.tools.style_steps.plan import plan_style, seam_note, wrap_of
from reverie.tools.style_steps.terms import StyleTerms
from reverie.tools.style_steps.transfer import layer_names


class PreparedStyleFilm:
    """The network of a stylized film; everything else depends on the film."""

    notes: Sequence[str] = ()

    def __init__(self, job: StyleFilmJob, session: Session) -> None:
        check_style(job.config)
        self.job, self.session = job, session

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FilmWork:
        """Return the work on one film, or on a picture that is shown for a while."""
        if given is None or given.path is None:
            raise InputError("a film is stylized from a file; give its name instead of -")
        job = settled_film(self.job, given.name)
        film = StyleFilm(given.path, target_of(scratch), replace(job.config, seed=seed), job.video, self.session)
        given.size = film.footage.size
        return FilmWork(film, film.decided(), film.chosen, lambda: measured_words(film.measured()))


class StyleFilm(FilmJob[StyleFilmConfig]):
    """The frames of one stylized film, kept in a folder as they are done.

    Attributes:
        config: the settings; precision and tiles are those that the first run chose.
        video: how frames become a film; what was left to the work is decided.
        stages: scales, steps and tiles of the first frame.

    Args:
        source: a video, GIF or animated WebP, or a picture, which is shown as long as the settings say.
        target: the film; finished frames lie in a folder beside it.
        config: how frames are stylized; settled.
        video: how they become a film; its keyframes are those of `settled_film`.
        session: what is open already.

    Raises:
        InputError: source, settings, pictures or network that cannot be used.
    """

    frame_tool = "style-film-frame"

    def __init__(
        self, source: Path, target: Path, config: StyleConfig, video: StyleFilmConfig, session: Session
    ) -> None:
        still = None if is_footage(source) else _still(source, video)
        if video.temporal is None:
            video = replace(video, temporal=HOLD if still is None else 0.0)  # in a still picture all change is wanted
        super().__init__(source, target, video, still)
        self.config = as_before(config, self.folder.manifest())
        self.estimate = open_estimator(video.flow, config.device)
        self._maker: FrameMaker
        network, name = open_network(self.config, session), self.footage.path.name
        self.network = network
        if isinstance(network, Critic):
            self.references = read_styles(self.config, name)
            self.stages = plan_style(self.footage.size, self.config, network, layer_names(self.config, network))
            keys = self._keys()
            self._fit_still()
            terms = StyleTerms(self.config, network, self.references, self._first(), None)
            self._maker = StyleFrames(self.config, self.video, self.stages, self.references, terms, self.estimate, keys)
        else:
            self.references = read_fast(self.config, name)
            self.stages = fast_plan(self.footage.size, self.config, network)
            keys = self._keys()
            self._fit_still()
            self._maker = FastFrames(
                self.config, self.video, self.stages, self.references, network, self._first(), keys
            )
        last = self.stages.scales[-1]
        self.video = replace(self.video, later_steps=1 if self.config.fast else later_steps(self.video, last))
        if any(wrap_of(self.config)):
            self.notes += seam_note(self.footage.size, self.config, self.size)
            self.notes.append("frames are stylized on from each other; seams close less well behind the first")

    def decided(self) -> Plan:
        """Return all decisions."""
        about = decisions_of(self.stages) | {
            "frames": self.total, "frames_per_s": str(self.footage.rate), "steps_later": self.video.later_steps,
            "layers": list(self.stages.layers), "precision": self.network.precision,
        }  # fmt: skip
        return Plan(about, float(self.total), f"{self.size[1]} x {self.size[0]} px")

    def chosen(self) -> Chosen:
        """Return what was decided, and measured of the frames that are there."""
        identity, video = self.network.identity, to_record(self.video)
        kept = {name: video[name] for name in ("codec", "crf", "preset", "audio", "temporal", "later_steps")}
        return Chosen(
            Input(identity.name, identity.sha256), self.network.device.type,
            {role: Input(about["name"], about["sha256"]) for role, about in self.references.files.items()},
            {
                "precision": self.network.precision, "tile": self.stages.tile_px or None, "keyframes": None, **kept,
                **resolved_rule(self.references.cut_out, self.config.mask_by),
            },
            self.measured() | keyed_record(self.video.keyframes) | meant_of(self.network, self.config),
        )  # fmt: skip

    @property
    def size(self) -> tuple[int, int]:
        return self.stages.size

    @property
    def frames_back(self) -> int:
        return frames_back(self.video) if self.config.fast is None else 1

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it is stylized at."""
        return fitted(frame, self.size, wrap_of(self.config))

    def make(self, frames: Iterator[np.ndarray], history: Sequence[Shown], first: int) -> Iterator[VideoStep]:
        """Paint frames from number `first` on."""
        if history and isinstance(self._maker, StyleFrames) and self.folder.count() >= first:  # else a scene by itself
            begun = max(number for number in range(first) if number == 0 or self.folder.record(number)["cut"])
            source = next(footage_frames(self.footage, start=begun))
            self._maker.enter(self.fitted(source))
        return film_steps(
            frames, self._maker, cuts=self.video.cuts, estimate=self.estimate, history=history, first=first
        )

    def settings(self) -> dict[str, Any]:
        """Return what must be the same for two runs to belong together."""
        found = manifest_of(
            "style-film", self.config, self.network.identity, self.network.precision, self.stages.tile_px,
            self.source_record(), self.references.files,
        )  # fmt: skip
        return found | {"video": to_record(self.video)}

    def _keys(self) -> StyleKeys:
        """Return what changes over the film, once it is known to go together."""
        stored = stored_keys(self.video.keyframes)
        keyframes = None if stored is None else parse_style_keys(stored["text"], stored["name"])
        names = [style.name for style in self.references.styles] if stored is None else stored["names"]
        keys = StyleKeys(
            keyframes, interpolate=self.video.interpolate, names=names, total=self.total, rate=self.footage.rate
        )
        still = isinstance(self.footage.info, Still)
        check_film(self.config, self.video, len(self.references.styles), still=still, changes=keys.changes)
        return keys

    def _fit_still(self) -> None:
        """Bring a picture to its final size once, and not for every frame; what is made to repeat is not yet at it."""
        if isinstance(self.footage.info, Still) and not any(wrap_of(self.config)):
            self.footage = replace(self.footage, info=Still(self.fitted(self.footage.info.pixels)))

    def _first(self) -> Tensor:
        """Return the first frame ``[1, 3, H, W]`` at the final size, by which colors are matched."""
        frame = next(footage_frames(self.footage, start=0), None)
        if frame is None:
            raise InputError(f"'{self.footage.path.name}' holds no frame")
        return torch.from_numpy(np.array(self.fitted(frame))).permute(2, 0, 1)[None].float() / 255


def _still(source: Path, film: StyleFilmConfig) -> Footage:
    """Return a picture as a film of the length that was asked for."""
    frames, rate = film_length(film.seconds, "24" if film.fps is None else film.fps)
    picture = read_picture(source)
    found = still_footage(source, to_uint8(picture.rgb), frames, rate)
    if picture.alpha is None:
        return found
    return replace(found, notes=(f"'{picture.name}' is transparent in places; a film is opaque",))
