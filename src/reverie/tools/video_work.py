"""A video dream as a job: finished frames are kept in a folder beside the output, and become a video at the end.

Killed at any moment, it goes on behind the last finished frame when started again, and the result has the same bytes.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.media.animation import ANIMATION_SUFFIXES
from reverie.media.footage import Encoding, Footage, assemble, check_target, footage_frames, open_footage
from reverie.media.frame_folder import FrameFolder
from reverie.media.image import to_uint8
from reverie.numerics.resample import resize
from reverie.settings import check_settings, to_record
from reverie.tools.dream import Plan, plan_dream
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_video import Shown, VideoStep, at_final_size, dream_video, later_steps
from reverie.tools.film_ascent import FilmAscent
from reverie.tools.film_record import as_before, called_as, film_record
from reverie.tools.keyed import refuse_keys
from reverie.tools.keyframes import Keyframes
from reverie.tools.motion_estimate import open_estimator
from reverie.tools.references import fitted_masks, read_references
from reverie.tools.video_config import VideoConfig
from reverie.weights.checkpoint import file_sha256

FOR_LOOPS = ("zoom", "rotate", "pan", "anchor")  # parameters that move the view over a still picture
MOST_CUTS = 1000  # that the settings of a video list


class VideoDream:
    """One video: iterate to dream the frames that are still missing, then call `finish`.

    Attributes:
        config: the settings; precision and tiles are those that the first run chose.
        footage: the source.
        plan: sizes, steps and tiles of the first frame.
        done: how many frames are there.
        total: how many there will be.
        notes: what a user should know.

    Raises:
        InputError: source, target, settings or network that cannot be used.
        OutputError: the target cannot be written.
    """

    def __init__(
        self, source: Path, target: Path, config: DreamConfig, video: VideoConfig, *,
        keyframes: Keyframes | None = None, critic: Critic | None = None,
    ) -> None:  # fmt: skip
        check_settings(config)
        check_settings(video)
        self.target, self.video = Path(target), video
        self.encoding = Encoding(video.codec, video.crf, video.preset, video.audio)
        check_target(self.target, self.encoding)
        self.footage: Footage = open_footage(source)
        self.references = read_references(config, self.footage.path.name)
        self._estimate = open_estimator(video.flow, config.device)
        self.folder = FrameFolder(self.target.with_name(self.target.name + ".frames"))
        self.config = as_before(config, self.folder.manifest())
        self.critic = critic or open_critic(
            self.config.model, self.config.weights, device=self.config.device, precision=self.config.precision
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
        self.notes = [*self.footage.notes, *resized]
        self._called: dict[str, Any] | None = None
        self._sha256 = file_sha256(Path(source))
        self.total, self.done = self.footage.frames, 0

    def __iter__(self) -> Iterator[VideoStep]:
        self.done = self.begin()
        if self.done >= self.total:
            return
        frames = footage_frames(self.footage, start=max(0, self.done - 1))
        previous = None
        if self.done > 0:
            before = next(frames, None)
            if before is None:
                return
            last = self.done - 1
            previous = Shown(at_final_size(before, self.config), self.folder.read(last), self.folder.strength(last))
        steps = dream_video(
            frames, self.config, self.video, critic=self.critic, mask=self._mask, estimate=self._estimate,
            previous=previous, first=self.done, raised=self.raised,
        )  # fmt: skip
        for step in steps:
            self.folder.write(step.index, step.dream, _measurements(step), step.strength)
            self.done = step.index + 1
            yield step

    def begin(self) -> int:
        """Make the folder of frames, or check that the one there belongs to this job; return its number of frames.

        Raises:
            InputError: it holds frames of another job.
            OutputError: it cannot be made.
        """
        done = self.folder.begin(self.manifest())
        if done:
            self.folder.drop_broken_end()
            done = self.folder.count()
        return done

    def finish(self) -> dict[str, Any]:
        """Put the video together, remove the folder of frames, and return what was measured.

        Raises:
            InputError, OutputError: it cannot be written; the frames stay.
        """
        measured = self.measured()
        for part in self.target.parent.glob(f".{glob.escape(self.target.name)}.*.part"):
            part.unlink(missing_ok=True)  # of a run that was killed while it put the video together
        self.notes += assemble(self.target, self._pictures(), self.footage, self.encoding, self.settings() | measured)
        self.folder.remove()
        return measured

    def measured(self) -> dict[str, Any]:
        """Return the means over all frames that are there: flicker, that of the source, and the cuts."""
        own: list[float] = []
        source: list[float] = []
        cuts: list[int] = []
        held = 0
        for number in range(self.folder.count()):
            record = self.folder.record(number)
            if record["flicker"] is not None:
                own.append(record["flicker"])
                source.append(record["source_flicker"])
            if record["cut"]:
                cuts.append(number)
            held += record["held"]
        return {
            "frames": self.folder.count(), "flicker": _mean(own), "source_flicker": _mean(source),
            "cuts": cuts[:MOST_CUTS], "held": held,
        }  # fmt: skip

    def manifest(self) -> dict[str, Any]:
        """Return what must be the same for two runs to belong together."""
        codec = {f.name for f in fields(VideoConfig) if not f.metadata["replay"]}
        settings = self.settings()
        video = {name: value for name, value in settings["video"].items() if name not in codec}
        return {k: v for k, v in settings.items() if k != "machine"} | {"video": video, "torch": torch.__version__}

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same frames again; no absolute paths."""
        height, width = self.footage.size
        source = {"name": self.footage.path.name, "sha256": self._sha256, "width": width, "height": height}
        about = (source, self.references, self.keyframes)
        record = called_as(film_record("dream-video", self.config, self.critic, self.plan, *about), self._called)
        video = to_record(self.video) | {"later_steps": later_steps(self.config, self.video)}
        return record | {"video": video}

    def call_as(self, record: dict[str, Any]) -> None:
        """Store files under the names of an earlier record; for a replay with renamed files of equal hashes."""
        self._called = record

    def _pictures(self) -> Iterator[np.ndarray]:
        if not (self.footage.transparent and self.target.suffix.lower() in ANIMATION_SUFFIXES):
            yield from self.folder.frames()
            return
        sources = footage_frames(self.footage, alpha=True)
        for picture, source in zip(self.folder.frames(), sources, strict=False):
            alpha = torch.from_numpy(source[..., 3].copy())[None, None].float() / 255
            alpha = resize(alpha, self.plan.size).clamp(0, 1) if alpha.shape[-2:] != self.plan.size else alpha
            yield np.dstack([picture, to_uint8(alpha[0, 0].numpy())])


def _measurements(step: VideoStep) -> dict[str, Any]:
    return {
        "tool": "dream-video-frame", "score": step.score, "flicker": step.flicker,
        "source_flicker": step.source_flicker, "seen": step.seen, "cut": step.cut, "held": step.held,
    }  # fmt: skip


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
