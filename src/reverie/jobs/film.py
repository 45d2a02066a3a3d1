"""Films: `film(tool)` applies a tool of pictures to every frame of a film, and `FrameSequence` is the work of any film.

Finished frames lie in a folder beside the result until it is put together: killed at any moment, the same job goes on
after the last of them and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np

from reverie.errors import InputError
from reverie.jobs.blocks import (
    audio_setting,
    codec_setting,
    crf_setting,
    duration_setting,
    speed_setting,
    start_setting,
)
from reverie.jobs.files import recorded_files
from reverie.jobs.given import Given
from reverie.jobs.job import Json, section_types, sections
from reverie.jobs.output import Film, Output, Picture
from reverie.jobs.session import Session
from reverie.jobs.spread import Spread, ranges
from reverie.jobs.tool import AnyTool, Prepared, Role, Tool
from reverie.jobs.work import Chosen, Plan, Progress, Report

if TYPE_CHECKING:
    from reverie.media.footage import Encoding, Footage
    from reverie.media.frame_folder import FrameFolder


@dataclass(frozen=True)
class EncodingSettings:
    """How a film is encoded."""

    codec: str = codec_setting(group="film")
    crf: int = crf_setting(group="film", expert=True)
    codec_speed: str = speed_setting(group="film")
    audio: bool = audio_setting(group="film")

    def encoding(self) -> Encoding:
        """Return the same as `reverie.media` takes it."""
        from reverie.media.footage import Encoding

        return Encoding(self.codec, self.crf, self.codec_speed, self.audio)


@dataclass(frozen=True)
class FilmSettings(EncodingSettings):
    """How a film that is made of another one is encoded, and which part of that it is made of."""

    start: float = start_setting(group="film")
    duration: float | None = duration_setting(group="film")


@runtime_checkable
class Encoded(Protocol):
    """Settings that say how a film is encoded."""

    def encoding(self) -> Encoding:
        """Return codec, quality and whether there is sound."""
        ...


MOST_AT_ONCE = 16  # frames of one part

MakeFrame = Callable[[int], np.ndarray]
"""Gives frame number n of a film, ``[H, W, 3]`` uint8; asked for in order, perhaps not from the first on."""


class FrameSequence:
    """The `Work` of a film whose frames are made one by one.

    Args:
        make: see `MakeFrame`.
        footage: number, times and sound of the frames.
        encoding: of the result.
        scratch: the folder of finished frames; a temporary one if absent.
        manifest: what must be the same for two runs to belong together.
        chosen: see `Chosen`.
        notes: lines for the user.
        decisions: see `Plan`.
        beside: gives further outputs, such as saved latents, for the number of frames that there are.
        sound: makes a WAV file of the frames, which is laid under them.
    """

    def __init__(
        self, make: MakeFrame, footage: Footage, encoding: Encoding, *, scratch: Path | None = None,
        manifest: Mapping[str, Json] | None = None, chosen: Chosen | None = None, notes: Sequence[str] = (),
        decisions: Mapping[str, Json] | None = None, beside: Callable[[int], Sequence[Output]] = lambda count: (),
        sound: Callable[[Iterator[np.ndarray]], bytes] | None = None,
    ) -> None:  # fmt: skip
        self._make, self._footage, self._encoding, self._scratch = make, footage, encoding, scratch
        self._manifest, self._beside, self._sound = dict(manifest or {}), beside, sound
        self.chosen, self.notes = chosen or Chosen(), [*footage.notes, *notes]
        height, width = footage.size
        known: dict[str, Json] = {"frames": footage.frames, "frames_per_s": str(footage.rate), "size": [width, height]}
        self.plan = Plan(
            known | dict(decisions or {}), float(footage.frames), f"{width} x {height} px", suffixes=Film.suffixes
        )
        self._folder, self._whole = None, False
        self._storing: Future[None] | None = None
        self.spread: Spread[tuple[int, int]] | None = Spread(self._part)

    def __iter__(self) -> Iterator[Progress]:
        folder = self._opened()
        done, total = folder.begin(self._manifest), self._footage.frames
        if done:
            folder.drop_broken_end()
            done = folder.count()
            self.notes.append(f"going on after frame {done}, which an earlier run made")
        assert self.spread is not None
        if self.spread.elsewhere:
            yield from self._elsewhere(folder, self.spread)
            return
        with ThreadPoolExecutor(1) as writer:  # frame n is stored while frame n + 1 is made
            for number in range(done, total):
                frame = self._make(number)
                self._settle()
                self._storing = writer.submit(folder.write, number, frame, {"tool": "frame"})
                yield Report(number + 1, total, "frames", f"frame {number + 1}/{total}", preview=lambda f=frame: f)
            self._settle()

    def _settle(self) -> None:
        """Wait until the frame that is being stored stands in the folder; raise what went wrong with it."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def _elsewhere(self, folder: FrameFolder, spread: Spread[tuple[int, int]]) -> Iterator[Progress]:
        """Have the frames that are missing made by others."""
        total = self._footage.frames
        missing = [
            unit for unit in ranges(total, spread.workers, MOST_AT_ONCE) if not all(map(folder.has, range(*unit)))
        ]
        left = sum(end - first for first, end in missing)
        for (first, end), _ in spread.made(missing, folder.path):
            left -= end - first
            yield Report(total - left, total, "frames", f"frame {total - left}/{total}", weight=end - first)

    def _part(self, unit: Sequence[int], folder: Path) -> Sequence[str]:
        """Make the frames of one part that are not there."""
        from reverie.media.frame_folder import FrameFolder

        frames = FrameFolder(folder)
        for number in range(*unit):
            if not frames.has(number):
                frames.write(number, self._make(number), {"tool": "frame"})
        return ()

    def control(self, change: Mapping[str, Json]) -> Mapping[str, Json]:
        """Refuse: the frames before would not fit."""
        raise InputError("a film cannot be changed while it is made")

    def outputs(self) -> Sequence[Output]:
        """Return the film of the frames that are there."""
        from dataclasses import replace

        self._settle()
        folder = self._opened()
        count = folder.count()
        times = self._footage.shown_s if len(self._footage.shown_s) == 1 else self._footage.shown_s[:count]
        footage = replace(self._footage, frames=count, shown_s=times)
        if self._sound is not None and self._encoding.audio:
            footage = replace(footage, path=folder.beside("sound.wav", self._sound(folder.frames())), audio=True)
        return (Film(folder.frames, footage, self._encoding, self._mark), *self._beside(count))

    def close(self) -> None:
        """Remove the frames once all of them stand in a result; until then the same job goes on with them."""
        self._settle()
        if self._folder is not None and (self._scratch is None or self._whole):
            self._folder.remove()

    def _mark(self) -> None:
        self._whole = self._opened().count() >= self._footage.frames

    def _opened(self):
        from reverie.media.frame_folder import FrameFolder

        if self._folder is None:
            self._folder = FrameFolder(self._scratch or Path(mkdtemp(prefix="reverie-frames-")))
        return self._folder


def film(tool: AnyTool) -> AnyTool:
    """Return the tool that applies a tool of pictures to every frame of a film, each by itself.

    Its settings have the sections of the tool and one more, "film".
    """
    role = tool.streamed
    if role is None or tool.makes != "picture":
        raise InputError(f"reverie {tool.name} makes no pictures from pictures and cannot work on films")
    parts = section_types(tool.config)
    cls = make_dataclass(
        f"{tool.config.__name__}Film", [(name, kind) for name, kind in parts.items()] + [("film", FilmSettings)],
        frozen=True, namespace={"__module__": __name__},
    )  # fmt: skip

    def prepare(config: object, session: Session) -> Prepared:
        inner = _inner(tool, config)
        return _PreparedFilm(tool, inner, tool.prepare(inner, session), cast("FilmSettings", config.film))  # type: ignore[attr-defined]

    roles = (Role(role.name, "film", role.help, streamed=True), *tool.fixed)
    return Tool(
        name=f"film({tool.name})", doing=tool.doing, ending=tool.ending, summary=tool.summary, config=cls,
        prepare=prepare, roles=roles, makes="film", suffix=".mp4", spreads=True,
        check=None if tool.check is None else lambda config: tool.check(_inner(tool, config)),  # type: ignore[misc]
    )  # fmt: skip


def _inner(tool: AnyTool, config: object) -> object:
    """Return the settings of the tool itself from those of its film."""
    parts = {name: part for name, part in sections(config).items() if name != "film"}
    return parts["config"] if tuple(section_types(tool.config)) == ("config",) and "config" in parts and isinstance(
        parts["config"], tool.config
    ) else tool.config(**parts)  # fmt: skip


class _PreparedFilm:
    def __init__(self, tool: AnyTool, config: object, inner: Prepared, how: FilmSettings) -> None:
        self.tool, self.config, self.inner, self.how = tool, config, inner, how
        self.notes = inner.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> FrameSequence:
        """Return the work on one film."""
        from reverie.media.footage import cut, footage_frames, open_footage

        if given is None or given.path is None:
            raise InputError("a film is read from a file; name it")
        footage = cut(open_footage(given.path), self.how.start, self.how.duration)
        source = _InOrder(lambda start: footage_frames(footage, start=start))

        def make(number: int) -> np.ndarray:
            work = self.inner.work(Given(picture=_picture(source.frame(number), given.name)), seed)
            for _ in work:
                pass
            main = work.outputs()[0]
            if not isinstance(main, Picture):
                raise InputError(f"reverie {self.tool.name} made no picture of a frame")
            work.close()
            return _bytes(main.rgb)

        first = self.inner.work(Given(picture=_picture(source.frame(0), given.name)), seed)
        chosen, first_plan = first.chosen, first.plan
        first.close()
        settings = {name: str(part) for name, part in sections(self.config).items()}
        files = {role: item.sha256 for role, item in recorded_files(self.config).items()}
        manifest = {"tool": self.tool.name, "sha256": given.sha256, "seed": seed, "settings": settings, "files": files}
        return FrameSequence(
            make, footage, self.how.encoding(), scratch=scratch, manifest=manifest, chosen=chosen,
            decisions={"first_frame": dict(first_plan.decisions)},
        )  # fmt: skip


class _InOrder:
    """Frames by number, read forward; going back opens the film anew."""

    def __init__(self, opened: Callable[[int], Iterator[np.ndarray]]) -> None:
        self._opened, self._next, self._frames = opened, 0, opened(0)

    def frame(self, number: int) -> np.ndarray:
        if number != self._next:
            self._frames, self._next = self._opened(number), number
        found = next(self._frames, None)
        self._next += 1
        if found is None:
            raise InputError(f"the film ends before frame {number + 1}, which its header promises")
        return found


def _picture(frame: np.ndarray, name: str):
    from hashlib import sha256

    from reverie.media.image import Picture as Read

    return Read(frame[..., :3].astype(np.float32) / 255, None, 8, sha256(frame.tobytes()).hexdigest(), name)


def _bytes(rgb: np.ndarray) -> np.ndarray:
    from reverie.media.image import to_uint8

    return to_uint8(np.ascontiguousarray(rgb))
