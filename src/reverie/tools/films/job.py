"""A film as a job: finished frames are kept in a folder beside the output, and become a film at the end.

Killed at any moment, it goes on after the last finished frame when started again, and the result has the same bytes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from reverie.jobs.files import without_folders
from reverie.jobs.output import Film
from reverie.media.footage import Encoding, Footage, check_target, cut, footage_frames, open_footage
from reverie.media.frame_folder import FrameFolder
from reverie.media.image import to_uint8
from reverie.media.suffixes import ANIMATIONS_WRITTEN
from reverie.numerics.resample import resize
from reverie.settings import check_settings, to_record
from reverie.tools.dream.config import DreamConfig
from reverie.tools.films.motion_estimate import Estimator
from reverie.tools.films.steps import Shown, VideoStep
from reverie.tools.films.video_config import FilmFile
from reverie.tools.style.config import StyleConfig
from reverie.version import __version__
from reverie.weights.checkpoint import file_sha256
from reverie.weights.file_names import fitted

MOST_CUTS = 1000  # that the settings of a film list

V = TypeVar("V", bound=FilmFile, covariant=True)


class FilmJob(ABC, Generic[V]):
    """One film: iterate to make the frames that are still missing; then `film_output` is the film.

    Attributes:
        footage: the source.
        folder: of finished frames.
        done: how many frames are there.
        total: how many there will be.
        estimate: of the motion between two frames.
        notes: what a user should know.

    Args:
        source: a video, GIF or animated WebP, or a picture.
        target: what is written.
        video: the settings of the film, with those of `Encoding` among them.
        footage: what the source shows, if it is a picture.

    Raises:
        InputError: source or target that cannot be used.
        OutputError: the target cannot be written.
    """

    frame_tool: str
    estimate: Estimator

    def __init__(self, source: Path, target: Path, video: V, footage: Footage | None = None) -> None:
        check_settings(video)
        self.target, self.video = Path(target), video
        self.encoding = Encoding(video.codec, video.crf, video.preset, video.audio)
        check_target(self.target, self.encoding)
        self.footage = cut(open_footage(source), video.start, video.duration) if footage is None else footage
        self.folder = FrameFolder(self.target.with_name(fitted(self.target.name, ".frames")))
        self.notes = [*self.footage.notes]
        self._sha256 = file_sha256(Path(source))
        self.total, self.done = self.footage.frames, 0

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return everything needed to make the same frames again; no absolute paths."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width of the film."""

    @property
    def frames_back(self) -> int:
        """How many frames back a frame looks."""
        return 1

    @abstractmethod
    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame of the source at the size of the film."""

    @abstractmethod
    def make(self, frames: Iterator[np.ndarray], history: Sequence[Shown], first: int) -> Iterator[VideoStep]:
        """Make frames from number `first` on; `history` holds those before it."""

    def __iter__(self) -> Iterator[VideoStep]:
        self.done = self.begin()
        if self.done >= self.total:
            return
        start = max(0, self.done - self.frames_back)
        frames = footage_frames(self.footage, start=start)
        history = []
        for number in range(start, self.done):
            before = next(frames, None)
            if before is None:
                return
            if self.folder.record(number)["cut"]:
                history.clear()
            history.append(Shown(self.fitted(before), self.folder.read(number), self.folder.strength(number)))
        for step in self.make(frames, history, self.done):
            self.store(step)
            self.done = step.index + 1
            yield step

    def store(self, step: VideoStep) -> None:
        """Keep a finished frame with what was measured of it."""
        self.folder.write(step.index, step.dream, self._measurements(step), step.strength)

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

    def film_output(self, written: Callable[[], None]) -> Film:
        """Return the film of the frames that are there; `written` is called once it stands under its name."""
        count = self.folder.count()
        times = self.footage.shown_s if len(self.footage.shown_s) == 1 else self.footage.shown_s[:count]
        footage = replace(self.footage, frames=count, shown_s=times)
        return Film(self.pictures, footage, self.encoding, written)

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
        codec = {f.name for f in fields(self.video) if not f.metadata["replay"]}
        settings = self.settings()
        video = {name: value for name, value in settings["video"].items() if name not in codec}
        return settings | {"video": video, "torch": torch.__version__}

    def source_record(self) -> dict[str, Any]:
        """Return what identifies the source."""
        height, width = self.footage.size
        return {"name": self.footage.path.name, "sha256": self._sha256, "width": width, "height": height}

    def _measurements(self, step: VideoStep) -> dict[str, Any]:
        return {
            "tool": self.frame_tool, "score": step.score, "flicker": step.flicker,
            "source_flicker": step.source_flicker, "seen": step.seen, "cut": step.cut, "held": step.held,
        }  # fmt: skip

    def pictures(self) -> Iterator[np.ndarray]:
        """Yield the frames that are there, with the opacity of an animation's."""
        if not (self.footage.transparent and self.target.suffix.lower() in ANIMATIONS_WRITTEN):
            yield from self.folder.frames()
            return
        sources = footage_frames(self.footage, alpha=True)
        for picture, source in zip(self.folder.frames(), sources, strict=False):
            alpha = torch.from_numpy(source[..., 3].copy())[None, None].float() / 255
            alpha = resize(alpha, self.size).clamp(0, 1) if alpha.shape[-2:] != self.size else alpha
            yield np.dstack([picture, to_uint8(alpha[0, 0].numpy())])


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


Config = TypeVar("Config", DreamConfig, StyleConfig)


class Identified(Protocol):
    """Who a network is."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...


def manifest_of(
    tool: str, config: DreamConfig | StyleConfig, network: Identified, precision: str, tile_px: int | None,
    source: Mapping[str, Any] | None, files: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return what must be the same for two runs to belong together: settings without folders, inputs, network."""
    stored = to_record(without_folders(config)) | {"precision": precision, "tile": tile_px or None}
    return {
        "tool": tool, "version": __version__, "config": stored, "input": source,
        "model": {"name": network.name, "sha256": network.sha256}, "files": files,
    }  # fmt: skip


def as_before(config: Config, known: dict[str, Any] | None) -> Config:
    """Take over what an earlier run measured and chose for itself: another choice now would give other bytes."""
    if known is None or "config" not in known:
        return config
    chosen = known["config"]
    precision = chosen.get("precision", "auto") if config.precision == "auto" else config.precision
    tile = chosen.get("tile") if config.tile is None else config.tile
    return replace(config, precision=precision, tile=tile)
