"""A painted film as a job; see `reverie.tools.film_job`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.media.footage import footage_frames
from reverie.settings import check_settings, to_record, with_tuples
from reverie.tools.fast_work import fast_plan, open_fast, read_fast
from reverie.tools.film_job import FilmJob
from reverie.tools.film_record import as_before, called_as
from reverie.tools.film_steps import Hand, Shown, VideoStep, film_steps
from reverie.tools.motion_estimate import open_estimator
from reverie.tools.style_config import StyleConfig
from reverie.tools.style_film import FastHand, StyleHand, fitted, later_steps, reach_of
from reverie.tools.style_film_config import StyleFilmConfig
from reverie.tools.style_plan import StylePlan, plan_style, wrap_of
from reverie.tools.style_record import NAMED, style_record
from reverie.tools.style_rules import check_film, check_style
from reverie.tools.style_sources import read_styles, split_weight
from reverie.tools.style_terms import StyleTerms
from reverie.tools.style_work import layer_names


class StyleFilm(FilmJob):
    """One painted film: iterate to paint the frames that are still missing, then call `finish`.

    Attributes:
        config: the settings; precision and tiles are those that the first run chose.
        plan: scales, steps and tiles of the first frame.

    Raises:
        InputError: source, target, settings, pictures or network that cannot be used.
        OutputError: the target cannot be written.
    """

    frame_tool, doing = "style-film-frame", "painting"

    def __init__(self, source: Path, target: Path, config: StyleConfig, film: StyleFilmConfig) -> None:
        config = with_tuples(config)
        check_settings(config)
        check_style(config)
        super().__init__(source, target, with_tuples(film))
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
            names = layer_names(self.config, self.critic)
            self.plan = plan_style(self.footage.size, self.config, self.critic, names)
            terms = StyleTerms(self.config, self.critic, self.references, self._first(), None)
            self._hand = StyleHand(
                self.config, self.video, self.plan, self.references, terms, self._estimate, self.total
            )
        else:
            self.critic = open_fast(self.config)
            self.references = read_fast(self.config, name)
            self.plan = fast_plan(self.footage.size, self.config, self.critic)
            self._hand = FastHand(
                self.config, self.video, self.plan, self.references, self.critic, self._first(), self.total
            )
        check_film(self.config, self.video, len(self.references.styles))
        if any(wrap_of(self.config)):
            self.notes.append("frames are painted on from each other; seams of --seamless close in the first only")

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
        return fitted(frame, self.plan.size)

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
        film = to_record(self.video) | {"later_steps": later}
        return called_as(record | {"tool": "style-film"}, self._called, NAMED) | {"video": film}

    def _first(self) -> Tensor:
        """Return the first frame ``[1, 3, H, W]`` at the final size, by which colors are matched."""
        frame = next(footage_frames(self.footage, start=0), None)
        if frame is None:
            raise InputError(f"'{self.footage.path.name}' holds no frame")
        return torch.from_numpy(np.array(self.fitted(frame))).permute(2, 0, 1)[None].float() / 255
