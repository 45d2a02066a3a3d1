"""A picture being made, as a program meets it: steps on the way, and an array, a PIL image or a file at the end."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from reverie.jobs.given import Given
from reverie.jobs.job import Json
from reverie.jobs.output import Picture
from reverie.jobs.run import Run
from reverie.jobs.target import check_format, check_no_foreign, check_no_source, place_for, say
from reverie.media.given import as_picture
from reverie.media.image import to_uint8

if TYPE_CHECKING:
    from PIL import Image

S = TypeVar("S", covariant=True)
SHOWN_PX = 1600  # longer side of what a notebook shows


class Making(ABC, Generic[S]):
    """Iterate to watch, or call `pil`, `array` or `save`, which run whatever is left.

    Attributes:
        run: the run of the work, as the command line has it too.
    """

    def __init__(self, run: Run) -> None:
        self.run = run

    @abstractmethod
    def __iter__(self) -> Iterator[S]:
        """Go on from where it stands, step by step."""

    @abstractmethod
    def current(self) -> np.ndarray:
        """Return the picture as it is now, at its final size, ``[H, W, 3]`` float32 in [0, 1]."""

    @property
    def notes(self) -> list[str]:
        """What a user should know."""
        return [*self.run.notes, *self.run.work.notes]

    @property
    def seconds(self) -> float:
        """Spent in its own steps."""
        return self.run.seconds

    @property
    def stopped(self) -> bool:
        """Whether it was ended before its last step."""
        return self.run.stopped

    def array(self, *, progress: bool = False) -> np.ndarray:
        """Run to the end and return ``[H, W, 3]`` float32 in [0, 1]."""
        self._finish(progress)
        return self.current()

    def pil(self, *, progress: bool = False) -> Image.Image:
        """Run to the end and return a PIL image, with alpha if the source has it."""
        from PIL import Image

        self._finish(progress)
        main = self.run.outputs()[0]
        if not isinstance(main, Picture):  # on disk
            return Image.fromarray(to_uint8(self.current()))
        pixels = to_uint8(main.rgb)
        return Image.fromarray(pixels if main.alpha is None else np.dstack([pixels, to_uint8(main.alpha)]))

    def save(
        self, path: str | Path, *, quality: int = 92, progress: bool = False, overwrite: bool = False
    ) -> Path:  # fmt: skip
        """Run to the end, or to where it is stopped, and write the picture with its settings; returns the path.

        A file that the picture is made from, and one that Reverie did not make, is never written over. A result of
        other settings is kept and this one counted up (``name-2.png``), said in `notes`, unless `overwrite` is set.

        Raises:
            InputError: an unknown format, or a place that a source of the picture has.
            OutputError: it cannot be written; nothing is left behind.
        """
        self.check_target(path, quality=quality)
        self._finish(progress)
        return self._written(path, quality, unfinished=self.stopped, overwrite=overwrite)

    def keep(self, path: str | Path, *, quality: int = 92, overwrite: bool = False) -> Path:
        """Write the picture as it is now, at its final size and marked as unfinished; returns the path."""
        return self._written(path, quality, unfinished=True, overwrite=overwrite)

    def check_target(self, path: str | Path, *, quality: int = 92) -> None:
        """Check before hours of work that the result can be written there.

        Raises:
            InputError: an unknown format, one that cannot hold the settings, or the place of a source.
            OutputError: no folder, or no permission.
        """
        check_no_source(Path(path), self.run.sources)
        check_no_foreign(Path(path))
        check_format(self.run.work.plan, Path(path))
        self.run.check(Path(path), quality)

    def encoded(self, suffix: str, *, quality: int = 92) -> bytes:
        """Run to the end and return the bytes that `save` would write to a file with this suffix."""
        self._finish()
        return self.run.encoded(suffix, quality=quality)

    def settings(self) -> dict[str, Json]:
        """Return everything needed to make the same bytes again; no absolute paths."""
        return dict(self.run.record())

    def _repr_png_(self) -> bytes:
        """Return the picture for a notebook, run to the end."""
        import io

        stream = io.BytesIO()
        image = self.pil()
        image.thumbnail((SHOWN_PX, SHOWN_PX))
        image.save(stream, "PNG")
        return stream.getvalue()

    def close(self) -> None:
        """Give back what it holds, such as room on disk."""
        self.run.close()

    def _finish(self, progress: bool = False) -> None:
        for _ in self:
            last = self.run.last
            if progress and last is not None:
                scores = "".join(f"  {name} {value:.4g}" for name, value in last.scores.items())
                sys.stdout.write(f"\rstep {last.done}/{last.total}  {last.stage}{scores}  ")
                sys.stdout.flush()
        if progress:
            sys.stdout.write("\n")

    def _written(self, path: str | Path, quality: int, *, unfinished: bool, overwrite: bool = False) -> Path:
        """Write the picture alone: what else there is, a program asks for by itself."""
        record = self.run.record(quality, unfinished=unfinished)
        place = place_for(Path(path), record, sources=self.run.sources, overwrite=overwrite)
        say(place, self.run.notes)
        self.run.outputs()[0].write(place.path, record, quality)
        return place.path


def given_of(source: object) -> Given:
    """Return whatever holds one picture as the input of a work.

    Raises:
        PictureError: it holds none; the message says what is accepted.
    """
    if isinstance(source, (str, Path)) and Path(source).is_file():
        return Given(Path(source))
    return Given(picture=as_picture(source))
