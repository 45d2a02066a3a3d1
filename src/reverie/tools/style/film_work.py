"""A painted film as a job; see `reverie.tools.film_job`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.media.deep import to_uint8
from reverie.media.footage import Footage, Still, footage_frames, is_footage, still_footage
from reverie.media.image import read_picture
from reverie.settings import check_settings, to_record, with_tuples
from reverie.tools.style.fast import fast_plan, open_fast, read_fast
from reverie.tools.film_job import FilmJob
from reverie.tools.film_record import as_before, called_as
from reverie.tools.film_steps import Hand, Shown, VideoStep, film_steps
from reverie.tools.keyframes import Keyframes
from reverie.tools.loop_config import film_length
from reverie.tools.motion_estimate import open_estimator
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.hands import HOLD, FastHand, StyleHand, fitted, later_steps, reach_of
from reverie.tools.style.film_config import StyleFilmConfig
from reverie.tools.style.keys import StyleKeys, read_style_keys
from reverie.tools.style.plan import StylePlan, plan_style, seam_note, wrap_of
from reverie.tools.style.record import NAMED, style_record
from reverie.tools.style.rules import check_film, check_style
from reverie.tools.style.sources import read_styles, split_weight
from reverie.tools.style.terms import StyleTerms
from reverie.tools.style.work import layer_names


class StyleFilm(FilmJob):
    """One painted film: iterate to paint the frames that are still missing, then call `finish`.

    Attributes:
        config: the settings; precision and tiles are those that the first run chose.
        keyframes: what changes over the film, if anything is keyed.
        plan: scales, steps and tiles of the first frame.

    Args:
        source: a video, GIF or animated WebP, or a picture, which is shown as long as the settings say.
        target: what is written.
        config: how frames are painted.
        film: how they become a film.
        keyframes: instead of those of a file that `film` names.
        names: that keyframes call the styles by; those of their files by default.

    Raises:
        InputError: source, target, settings, pictures or network that cannot be used.
        OutputError: the target cannot be written.
    """

    frame_tool, doing = "style-film-frame", "painting"

    def __init__(
        self, source: Path, target: Path, config: StyleConfig, film: StyleFilmConfig, *,
        keyframes: Keyframes | None = None, names: Sequence[str] = (),
    ) -> None:  # fmt: skip
        config = with_tuples(config)
        check_settings(config)
        check_style(config)
        still = None if is_footage(source) else _still(source, film)
        if film.temporal is None:
            film = replace(film, temporal=HOLD if still is None else 0.0)  # in a still picture all change is wanted
        super().__init__(source, target, with_tuples(film), still)
        self.keyframes = read_style_keys(film.keyframes) if film.keyframes else keyframes
        self.config = as_before(config, self.folder.manifest())
        self._estimate = open_estimator(film.flow, config.device)
        self.plan: StylePlan
        self._hand: Hand
        name = self.footage.path.name
        if self.config.fast is None:
            self.references = read_styles(self.config, name)
            self.critic: Any = open_critic(
                self.config.model, self.config.weights, device=config.device, precision=self.config.precision
            )
            layers = layer_names(self.config, self.critic)
            self.plan = plan_style(self.footage.size, self.config, self.critic, layers)
            keys = self._keys(names)
            self._fit_still()
            terms = StyleTerms(self.config, self.critic, self.references, self._first(), None)
            self._hand = StyleHand(self.config, self.video, self.plan, self.references, terms, self._estimate, keys)
        else:
            self.critic = open_fast(self.config)
            self.references = read_fast(self.config, name)
            self.plan = fast_plan(self.footage.size, self.config, self.critic)
            keys = self._keys(names)
            self._fit_still()
            self._hand = FastHand(self.config, self.video, self.plan, self.references, self.critic, self._first(), keys)
        if any(wrap_of(self.config)):
            self.notes += seam_note(self.footage.size, self.config, self.plan.size)
            self.notes.append("frames are painted on from each other; seams close less well behind the first")

    @property
    def size(self) -> tuple[int, int]:
        return self.plan.size

    @property
    def read_from(self) -> tuple[Path, ...]:
        """Files that go into the film, and may not be written over."""
        return (*super().read_from, *(split_weight(text)[0] for text in self.config.style))

    @property
    def reach(self) -> int:
        return reach_of(self.video) if self.config.fast is None else 1

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it is painted at."""
        return fitted(frame, self.plan.size, wrap_of(self.config))

    def make(self, frames: Iterator[np.ndarray], history: Sequence[Shown], first: int) -> Iterator[VideoStep]:
        """Paint frames from number `first` on."""
        if history and isinstance(self._hand, StyleHand):
            begun = max(number for number in range(first) if number == 0 or self.folder.record(number)["cut"])
            source = next(footage_frames(self.footage, start=begun))
            self._hand.enter(self.fitted(source))
        return film_steps(
            frames, self._hand, cuts=self.video.cuts, estimate=self._estimate, history=history, first=first
        )

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same frames again; no absolute paths."""
        record = style_record(self.config, self.critic, self.plan, self.references, self.source_record())
        later = 1 if self.config.fast else later_steps(self.video, self.plan.scales[-1])
        film = to_record(self.video) | {"later_steps": later, "keyframes": None}
        keys = self.keyframes
        keyed = {"keyframes": {"name": keys.name, "text": keys.text}} if keys else {}
        return keyed | called_as(record | {"tool": "style-film"}, self._called, NAMED) | {"video": film}

    def _keys(self, names: Sequence[str]) -> StyleKeys:
        """Return what changes over the film, once it is known to go together."""
        keys = StyleKeys(
            self.keyframes, interpolate=self.video.interpolate,
            names=names or [style.name for style in self.references.styles], total=self.total, rate=self.footage.rate,
        )  # fmt: skip
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
    check_settings(film)
    frames, rate = film_length(film.seconds, "24" if film.fps is None else film.fps)
    picture = read_picture(source)
    found = still_footage(source, to_uint8(picture.rgb), frames, rate)
    if picture.alpha is None:
        return found
    return replace(found, notes=(f"'{picture.name}' is transparent in places; a film is opaque",))
