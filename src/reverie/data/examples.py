"""What a translator learns from: pictures and what is to become of them, drawn as a function of a generator.

Either one set of pictures and a filter that makes the targets, or pairs of pictures; see `reverie.data.pairs`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.data.crops import CropPool
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Archive, require_dataset
from reverie.errors import DataError, PictureError
from reverie.media.image import read_picture
from reverie.media.suffixes import PICTURES
from reverie.models.translator import Plane, told
from reverie.numerics.filters import Filter

Pair = tuple[Tensor, Tensor]
"""A picture ``[B, 3, H, W]`` and its target ``[B, C, H, W]``, in [0, 1]; planes of numbers follow the picture."""


@dataclass(frozen=True)
class Drawing:
    """How crops are varied: `zoom` as in `CropPool.crops`; half of them mirrored; quarter turns."""

    zoom: float = 1.0
    mirror: bool = True
    turns: bool = False


class Examples(Protocol):
    """Pictures with their targets.

    Attributes:
        count: of those that are learned from.
        held: of those that are not.
        outputs: channels of a target.
        planes: numbers that go in beside the picture.
        digest: identifies the list of files.
        notes: what was left out.
    """

    @property
    def count(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def planes(self) -> tuple[Plane, ...]: ...
    @property
    def digest(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...

    def draw(self, count: int, size_px: int, generator: Generator, how: Drawing) -> Pair:
        """Return crops to learn from."""
        ...

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pictures that are not learned from."""
        ...

    def learned(self) -> Iterator[Pair]:
        """Yield whole pictures that are learned from."""
        ...

    def target(self, image: Tensor, values: Mapping[str, float] | None = None) -> Tensor | None:
        """Return what should become of any picture, where there is a filter that says so."""
        ...


@dataclass(frozen=True, eq=False)
class Teacher:
    """A filter with some of its parameters fixed, and others that vary."""

    filter: Filter
    fixed: Mapping[str, float]
    planes: tuple[Plane, ...] = ()

    def __call__(self, images: Tensor, values: Mapping[str, float] | None = None) -> Tensor:
        """Return what the filter makes of pictures; parameters that vary have their usual values unless given."""
        usual = {plane.name: plane.default for plane in self.planes}
        return self.filter.apply(images, **self.fixed, **(usual | dict(values or {})))


class FilterExamples:
    """Any pictures, and a filter that makes their targets.

    Args:
        path: the pictures.
        teacher: the filter.
        share: of the pictures that is held out; 1 for all of them.
        seed: chooses which.

    Raises:
        DataError: no pictures.
    """

    def __init__(self, path: Path, teacher: Teacher, share: float, seed: int) -> None:
        self._teacher, self.planes = teacher, teacher.planes
        self.outputs = teacher.filter.channels or 3
        self._archive, names = listed(path)
        self._of_frames, self._left_out = first_frames_note(self._archive, names), dict[str, None]()
        self._held = tuple(names) if share >= 1 else held_out(names, share, seed)
        self._names = [name for name in names if name not in set(self._held)]
        self.count, self.held = len(self._names), len(self._held)
        if share < 1:
            self._pool = CropPool([path], leave_out=[PurePosixPath(name).name for name in self._held])
            self._left_out = self._pool.left_out
            self.count, self.digest = self._pool.count, self._pool.digest
        else:
            self.digest = hashlib.sha256("\n".join(names).encode()).hexdigest()

    @property
    def notes(self) -> Sequence[str]:
        """What is reduced, and what was left out so far, since it cannot be read."""
        return [*self._of_frames, *self._left_out]

    def draw(self, count: int, size_px: int, generator: Generator, how: Drawing) -> Pair:
        """Return crops and what the filter makes of them; what varies is drawn evenly from its range."""
        crops = self._pool.crops(count, size_px, generator, zoom=how.zoom, mirror=how.mirror, turns=how.turns)
        if not self.planes:
            return crops, self._teacher(crops)
        shares = torch.rand(count, len(self.planes), generator=generator).tolist()
        pairs = [self._told(crop[None], row) for crop, row in zip(crops, shares, strict=True)]
        return torch.cat([image for image, _ in pairs]), torch.cat([target for _, target in pairs])

    def _told(self, crop: Tensor, shares: Sequence[float]) -> Pair:
        values = {p.name: p.low + share * (p.high - p.low) for p, share in zip(self.planes, shares, strict=True)}
        return told(crop, self.planes, values), self._teacher(crop, values)

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pictures that are not learned from."""
        return self._whole(self._held)

    def learned(self) -> Iterator[Pair]:
        """Yield whole pictures that are learned from."""
        return self._whole(self._names)

    def target(self, image: Tensor, values: Mapping[str, float] | None = None) -> Tensor | None:
        """Return what the filter makes of a picture ``[B, 3, H, W]``, without planes."""
        return self._teacher(image[:, :3], values)

    def _whole(self, names: Sequence[str]) -> Iterator[Pair]:
        for name in names:
            try:
                image = as_image(read_picture(self._archive.open(name), name=self._archive.place(name)).rgb)
            except PictureError as error:
                self._left_out[f"left out: {error}"] = None
                continue
            yield told(image, self.planes), self._teacher(image)


def listed(path: Path, suffixes: Sequence[str] = PICTURES) -> tuple[Archive, list[str]]:
    """Return the pictures of a folder, a zip, or one file; or the files with other suffixes.

    Raises:
        DataError: there are none.
    """
    if path.is_file() and path.suffix.lower() in suffixes:
        return Archive(path.parent), [path.name]
    require_dataset(path, "a picture, a folder of pictures, or a zip of one")
    archive = Archive(path)
    names = [name for name in archive.names() if PurePosixPath(name).suffix.lower() in suffixes]
    if not names:
        what = "picture" if suffixes is PICTURES else f"{suffixes[0]} file"
        raise DataError(f"there is no {what} in '{path}'")
    return archive, names


def held_out(names: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Return the pictures that are not learned from: those of the smallest hashes, always the same for a seed."""
    if share <= 0 or len(names) < 2:
        return ()
    count = min(len(names) - 1, max(1, round(share * len(names))))
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).hexdigest())[:count])


def as_image(rgb: np.ndarray) -> Tensor:
    """Return ``[1, C, H, W]`` from ``[H, W, C]``."""
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
