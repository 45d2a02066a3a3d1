"""A video dream as a job; see `reverie.tools.films.job`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reverie.critic.critic import Critic
from reverie.jobs.session import Session
from reverie.settings import check_settings, marked, to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References, fitted_masks, read_references
from reverie.tools.dream_film.ascent import FilmAscent
from reverie.tools.dream_film.keyed import refuse_keys
from reverie.tools.dream_film.video import at_final_size, dream_video, later_steps
from reverie.tools.dream_steps.ascent import Plan, plan_dream
from reverie.tools.films.job import FilmJob, as_before, manifest_of
from reverie.tools.films.loop_config import LoopConfig
from reverie.tools.films.motion_estimate import open_estimator
from reverie.tools.films.steps import Shown, VideoStep
from reverie.tools.films.video_config import VideoConfig
from reverie.tools.keyframes.keyframes import Keyframes

FOR_LOOPS = tuple(marked(LoopConfig, "keyable"))  # parameters that move the view over a still picture


class VideoDream(FilmJob[VideoConfig]):
    """One dreamt video: iterate to dream the frames that are still missing, then `film_output` is the film.

    Attributes:
        config: the settings; precision and tiles are those that the first run chose.
        plan: sizes, steps and tiles of the first frame.

    Raises:
        InputError: source, target, settings or network that cannot be used.
        OutputError: the target cannot be written.
    """

    frame_tool = "dream-video-frame"

    def __init__(
        self, source: Path, target: Path, config: DreamConfig, video: VideoConfig, *,
        keyframes: Keyframes | None = None, critic: Critic | None = None, session: Session | None = None,
    ) -> None:  # fmt: skip
        check_settings(config)
        super().__init__(source, target, video)
        self.references = read_references(config, self.footage.path.name)
        self.estimate = open_estimator(video.flow, config.device)
        self.config = as_before(config, self.folder.manifest())
        self.critic = critic or (session or Session()).critic(
            self.config.model, self.config.weights, self.config.device, self.config.precision, fuse=True
        )
        self.keyframes = keyframes or Keyframes({})
        refuse_keys(self.keyframes, FOR_LOOPS, "films from a still picture")
        self.raised = FilmAscent(
            self.config, self.critic, references=self.references, keyframes=self.keyframes,
            length_s=self.footage.frames / float(self.footage.rate), rate=self.footage.rate,
        )  # fmt: skip
        everything = self.raised.everything(self.config)
        self.plan: Plan = plan_dream(self.footage.size, self.config, self.critic, everything)
        self._mask, resized = fitted_masks(self.references, self.plan.size)
        self.notes += resized

    @property
    def size(self) -> tuple[int, int]:
        return self.plan.size

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at the size that it is dreamt at."""
        return at_final_size(frame, self.config)

    def make(self, frames: Iterator[np.ndarray], history: Sequence[Shown], first: int) -> Iterator[VideoStep]:
        """Dream frames from number `first` on."""
        return dream_video(
            frames, self.config, self.video, critic=self.critic, mask=self._mask, estimate=self.estimate,
            previous=history[-1] if history else None, first=first, raised=self.raised,
        )  # fmt: skip

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same frames again; no absolute paths."""
        about = (self.source_record(), self.references, self.keyframes)
        record = dream_manifest("dream-video", self.config, self.critic, self.plan, *about)
        video = to_record(self.video) | {"later_steps": later_steps(self.config, self.video)}
        return record | {"video": video}


def dream_manifest(
    tool: str, config: DreamConfig, critic: Critic, plan: Plan, source: Mapping[str, Any] | None,
    references: References, keyframes: Keyframes,
) -> dict[str, Any]:  # fmt: skip
    """Return what must be the same for two runs to belong together; what is not there has no entry."""
    files = references.files
    found = manifest_of(tool, config, critic.identity, critic.precision, plan.tile_px, source, files)
    if not files:
        del found["files"]
    if keyframes.tracks:
        found["keyframes"] = {"name": keyframes.name, "text": keyframes.text}
    if plan.memory.disk:
        found["disk"] = True  # its last bits differ from those of a dream in memory
    return found
