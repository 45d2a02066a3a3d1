"""A film from a still picture as a job: frames kept in a folder as they are done, put together at the end.

Killed at any moment, it goes on after the last finished frame when started again, and the result has the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.jobs.output import Film
from reverie.jobs.session import Session
from reverie.media.footage import Encoding, Footage, check_target
from reverie.media.frame_folder import FrameFolder
from reverie.media.image import Picture, read_picture
from reverie.numerics.resample import resize
from reverie.settings import check_settings, to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import fitted_masks, read_references
from reverie.tools.dream.rules import check_together
from reverie.tools.dream_film.keyed import refuse_keys
from reverie.tools.dream_film.loop import Loop, LoopFrame, loop_frames, plan_loop
from reverie.tools.dream_film.video_work import dream_manifest
from reverie.tools.films.job import as_before
from reverie.tools.films.loop_config import LoopConfig, plan_film
from reverie.tools.keyframes.keyframes import Keyframes
from reverie.weights.file_names import fitted

if TYPE_CHECKING:
    from reverie.tools.dream_film.tools import LoopFile

LATER_STEPS = 1
FOR_VIDEOS = ("blend",)  # parameters that say how a dream meets the frames of a video


class LoopDream:
    """One film: iterate to dream the frames that are still missing, then `film_output` is the film.

    Attributes:
        config: how its frames are dreamt; precision and tiles are those that the first run chose.
        loop: all decisions.
        done: how many frames are there.
        total: how many will be dreamt.
        notes: what a user should know.

    Raises:
        InputError: picture, target, settings, keyframes or network that cannot be used.
        OutputError: the target cannot be written.
    """

    def __init__(
        self, source: Path | None, target: Path, config: DreamConfig, moving: LoopConfig, video: LoopFile, *,
        keyframes: Keyframes | None = None, critic: Critic | None = None, session: Session | None = None,
    ) -> None:  # fmt: skip
        check_settings(config)
        check_settings(video)
        self.target, self.moving = Path(target), moving
        self.later_steps = LATER_STEPS if video.later_steps is None else video.later_steps
        self.encoding = Encoding(video.codec, video.crf, video.preset, audio=moving.song is not None)
        check_target(self.target, self.encoding)
        self.keyframes = keyframes or Keyframes({})
        refuse_keys(self.keyframes, FOR_VIDEOS, "a video")
        self.film = plan_film(moving, self.keyframes.tracks)
        self.picture: Picture | None = None if source is None else read_picture(source)
        check_together(config, has_picture=self.picture is not None)
        self.references = read_references(config, "" if self.picture is None else self.picture.name)
        self.folder = FrameFolder(self.target.with_name(fitted(self.target.name, ".frames")), bits=16)
        self.config = as_before(config, self.folder.manifest())
        self.critic = critic or (session or Session()).critic(
            self.config.model, self.config.weights, self.config.device, self.config.precision, fuse=True
        )
        size = None if self.picture is None else (self.picture.rgb.shape[0], self.picture.rgb.shape[1])
        self.loop: Loop = plan_loop(
            size, self.config, self.film, self.critic, keyframes=self.keyframes, later_steps=self.later_steps,
            references=self.references,
        )  # fmt: skip
        self._mask, resized = fitted_masks(self.references, self.loop.first_plan.size)
        self.notes = self._notes() + resized
        self.total, self.done = self.loop.total, 0

    def __iter__(self) -> Iterator[LoopFrame]:
        self.done = self.folder.begin(self.manifest())
        if self.done:
            self.folder.drop_broken_end()
            self.done = self.folder.count()
        for frame in loop_frames(self.loop, self._image(), self.folder.read_exact, start=self.done, mask=self._mask):
            record = {"tool": "dream-loop-frame", "score": frame.score, "flicker": frame.flicker}
            self.folder.write(frame.index, frame.pixels, record)
            self.done = frame.index + 1
            yield frame

    def film_output(self, written: Callable[[], None]) -> Film:
        """Return the film of the frames that are there; `written` is called once it stands under its name."""
        shown = [number for number in self.loop.shown if number < self.folder.count()]
        song = None if self.moving.song is None else Path(self.moving.song)
        footage = Footage(
            song or self.target, self.loop.first_plan.size, len(shown), self.film.rate, (1 / self.film.rate,), 0,
            transparent=False, audio=song is not None, notes=(), info=None,
        )  # fmt: skip
        return Film(lambda: (self.folder.read(number) for number in shown), footage, self.encoding, written)

    def measured(self) -> dict[str, Any]:
        """Return frames and flicker: RMS of 255 between a frame and the moved one before, over the film and its seam.

        A seamless film's first frame was made from one that is bit for bit its last, so its number is the seam's.
        """
        shown = [number for number in self.loop.shown if number < self.folder.count()]
        flickers = [self.folder.record(number)["flicker"] for number in shown]
        known = [f for f in flickers if f is not None]
        return {
            "frames": self.film.frames, "flicker": sum(known) / len(known) if known else None,
            "seam_flicker": flickers[0] if self.film.seam_frames and flickers else None,
        }  # fmt: skip

    def manifest(self) -> dict[str, Any]:
        """Return what must be the same for two runs to belong together."""
        kept = {name: value for name, value in self.settings().items() if name != "video"}
        return kept | {"later_steps": self.later_steps, "torch": torch.__version__}

    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same frames again; no absolute paths."""
        source = None
        if self.picture is not None:
            height, width = self.picture.rgb.shape[:2]
            source = {"name": self.picture.name, "sha256": self.picture.sha256, "width": width, "height": height}
        plan, about = self.loop.first_plan, (source, self.references)
        record = dream_manifest("dream-loop", self.config, self.critic, plan, *about, self.keyframes)
        video = {"later_steps": self.later_steps, "codec": self.encoding.codec, "crf": self.encoding.crf,
                 "preset": self.encoding.preset}  # fmt: skip
        moving = to_record(self.moving) | {"keyframes": None}
        if self.moving.song is not None:
            moving["song"] = Path(self.moving.song).name
        return record | {"loop": moving, "video": video}

    def _image(self) -> Tensor | None:
        if self.picture is None:
            return None
        image = torch.from_numpy(self.picture.rgb).permute(2, 0, 1)[None]
        return resize(image, self.loop.first_plan.size).clamp(0, 1).contiguous()

    def _notes(self) -> list[str]:
        if self.picture is not None and self.picture.alpha is not None:
            return [f"'{self.picture.name}' is transparent in places; a film is opaque"]
        return []
