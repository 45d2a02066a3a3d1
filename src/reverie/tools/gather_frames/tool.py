"""`reverie gather frames`: the frames of a film worth learning from, a folder for each scene.

Of every stretch of time the sharpest frame is taken, unless it looks like one that was taken before.
"""

from __future__ import annotations

import csv
import io
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.blocks import SeedSettings
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.settings import setting

if TYPE_CHECKING:
    import numpy as np

    from reverie.jobs.output import Output
    from reverie.media.footage import Footage

REDUCED_PX = 192  # side at which scenes and sharpness are measured


@dataclass(frozen=True, kw_only=True)
class FramesConfig(SeedSettings):
    """Which frames are taken, and what of them."""

    every: float = setting(1.0, "Seconds of which one frame is taken, the sharpest.", above=0, group="which frames")
    most: int | None = setting(None, "Most frames in all.", minimum=1, group="which frames")
    scenes: bool = setting(True, "Make a folder for each scene; else one for the film.", group="which frames")
    duplicates: bool = setting(False, "Take frames too that look like earlier ones.", group="which frames")
    crops: int = setting(
        0, "Random squares of each frame, in place of the whole.", minimum=0, maximum=64, group="crops"
    )
    size: int | None = setting(
        None, "Side of the squares, or longer side of whole frames, in pixels.", minimum=32, maximum=8192, group="crops"
    )
    least_crop: float = setting(
        0.5, "Smallest square, as a fraction of the shorter side.", above=0, maximum=1, group="crops", expert=True
    )
    file_format: str = setting("jpg", "Format of the pictures.", choices=("jpg", "png", "webp"), flag="--format")


@dataclass(frozen=True, eq=False)
class Taken:
    """One frame that was chosen: its number, time, scene, and the names of what was made of it."""

    number: int
    time_s: float
    scene: int
    files: tuple[str, ...]


class PreparedFrames:
    """Nothing to open."""

    def __init__(self, config: FramesConfig, session: Session) -> None:
        self.config = config
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work on one film."""
        from reverie.jobs.output import Folder
        from reverie.media.footage import is_footage, open_footage

        assert given is not None and given.path is not None
        if not is_footage(given.path):
            raise InputError(f"'{given.name}' is not a film; expected a video, or a GIF or WebP that moves")
        footage = open_footage(given.path)
        place = scratch or Path(f"{given.path.stem}.frames")
        harvest = Harvest(footage, self.config, seed, place)

        def outputs() -> list[Output]:
            return [Folder(harvest.fill, written=harvest.done)]

        decisions = {"frames": footage.frames, "rate": float(footage.rate), "size": list(footage.size)}
        plan = Plan(decisions, footage.frames, f"{footage.frames} frames of {given.name}")
        return Steps(harvest.steps(), outputs, plan=plan, notes=harvest.notes)


class Harvest:
    """Chooses frames, and keeps them in a folder until the result stands."""

    def __init__(self, footage: Footage, config: FramesConfig, seed: int, place: Path) -> None:
        self.footage, self.config, self._seed, self._place = footage, config, seed, place
        self.taken: list[Taken] = []
        self.notes = [*footage.notes]
        self._repeated = self._seen = 0

    def steps(self) -> Iterator[Report]:
        """Go through the film once, and say what became of its frames."""
        yield from self._go_through()
        self.notes.append(self.summary())

    def summary(self) -> str:
        """Return how many frames were kept, and why others were left out, in one line."""
        every, frames, kept = self.config.every, self.footage.frames, len(self.taken)
        reasons = [f"one of every {every:g} s and scene, the sharpest, is looked at"]
        if self._repeated:
            reasons.append(f"{self._repeated} looked like earlier ones (--duplicates keeps them)")
        if self._seen < frames:
            reasons.append(f"--most {self.config.most} ended it after frame {self._seen}")
        pictures = sum(len(taken.files) for taken in self.taken)
        crops = f", {pictures} squares of them" if self.config.crops else ""
        return f"kept {kept} of {frames} frames{crops}: {'; '.join(reasons)}"

    def _go_through(self) -> Iterator[Report]:
        from reverie.data.perceptual import Known
        from reverie.media.flow import is_cut, motion
        from reverie.media.footage import footage_frames

        shutil.rmtree(self._place, ignore_errors=True)
        self._place.mkdir(parents=True)
        known, scene, time_s, begin_s = Known(), 1, 0.0, 0.0
        best: tuple[float, int, float, np.ndarray] | None = None
        before: np.ndarray | None = None
        for number, frame in enumerate(footage_frames(self.footage)):
            small = reduced(frame, REDUCED_PX)
            cut = before is not None and small is not before and is_cut(small, before, motion(small, before))
            if best is not None and (cut or time_s - begin_s >= self.config.every - 1e-6):
                self._take(best, scene, known)
                best, begin_s = None, time_s
            scene += cut
            sharp = sharpness(small)
            if best is None or sharp > best[0]:
                best = (sharp, number, time_s, frame.copy())
            before = small
            time_s += float(self.footage.shown(number)) if number < self.footage.frames else 0.0
            self._seen = number + 1
            yield Report(self._seen, self.footage.frames, "frames", f"scene {scene}, {len(self.taken)} taken")
            if self.config.most is not None and len(self.taken) >= self.config.most:
                return
        if best is not None:
            self._take(best, scene, known)

    def _take(self, best: tuple[float, int, float, np.ndarray], scene: int, known: object) -> None:
        from PIL import Image

        from reverie.data.perceptual import Known, hashes_of
        from reverie.media.write import write_picture

        assert isinstance(known, Known)
        _, number, time_s, frame = best
        hashes = hashes_of(Image.fromarray(frame))
        if not self.config.duplicates and known.match(hashes) is not None:
            self._repeated += 1
            return
        known.add(number, hashes.d, hashes.p)
        folder = f"scene-{scene:03d}" if self.config.scenes else _bare(self.footage.path)
        (self._place / folder).mkdir(exist_ok=True)
        files: list[str] = []
        for index, picture in enumerate(self._pieces(frame, number)):
            piece = f"-{index + 1}" if self.config.crops else ""
            files.append(f"{folder}/frame-{number:06d}{piece}.{self.config.file_format}")
            write_picture(self._place / files[-1], picture)
        self.taken.append(Taken(number, time_s, scene, tuple(files)))

    def _pieces(self, frame: np.ndarray, number: int) -> Iterator[np.ndarray]:
        """Yield the frame, or random squares of it, at the size that was asked for."""
        if not self.config.crops:
            yield frame if self.config.size is None else reduced(frame, self.config.size)
            return
        draw = random.Random(f"{self._seed}/{number}")
        height, width = frame.shape[:2]
        for _ in range(self.config.crops):
            side = round(min(height, width) * draw.uniform(self.config.least_crop, 1.0))
            top, left = draw.randint(0, height - side), draw.randint(0, width - side)
            square = frame[top : top + side, left : left + side]
            yield square if self.config.size is None else resized(square, self.config.size, self.config.size)

    def fill(self, folder: Path) -> None:
        """Write the pictures and the list of their times."""
        from reverie.data.gather.layout import link

        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("file", "frame", "time_s", "scene"))
        for taken in self.taken:
            for name in taken.files:
                (folder / name).parent.mkdir(exist_ok=True)
                link(self._place / name, folder / name)
                writer.writerow((name, taken.number, f"{taken.time_s:.3f}", taken.scene))
        (folder / "frames.csv").write_text(text.getvalue(), encoding="utf-8")

    def done(self) -> None:
        """Remove the folder that the pictures waited in."""
        shutil.rmtree(self._place, ignore_errors=True)


def reduced(frame: np.ndarray, most_px: int) -> np.ndarray:
    """Return a frame ``[H, W, 3]`` uint8 whose longer side is at most so long."""
    height, width = frame.shape[:2]
    scale = most_px / max(height, width)
    return frame if scale >= 1 else resized(frame, max(1, round(height * scale)), max(1, round(width * scale)))


def resized(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a frame at another size, antialiased."""
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0))


def sharpness(frame: np.ndarray) -> float:
    """Return the variance of the Laplacian of brightness; frames blurred by motion have less."""
    import numpy as np

    grey = frame.mean(2)
    inner = grey[1:-1, 1:-1] * 4 - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(np.var(inner))


def _bare(path: Path) -> str:
    from reverie.data.gather.layout import file_name

    return file_name(path.stem)


FRAMES: Tool[FramesConfig] = Tool(
    name="gather frames", doing="taking frames", ending="pictures",
    summary="Take pictures out of a film: scenes, sharp frames, no duplicates.",
    config=FramesConfig, prepare=PreparedFrames, makes="folder", suffix="",
    roles=(Role("film", "any", "Videos, GIFs or WebPs.", streamed=True),),
    examples=(
        "reverie gather frames holiday.mp4 --every 2 -o data/",
        "reverie gather frames clip.mp4 --crops 4 --size 256",
    ),
)  # fmt: skip
