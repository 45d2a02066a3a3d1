"""What a generator learns from: squares of bytes from a folder, a zip, or the frames of a film."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.data.examples import listed
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Item, open_folder
from reverie.data.pack import PackedPictures, Pictures, load_pictures
from reverie.errors import DataError, InputError
from reverie.media.footage import footage_frames, is_footage, open_footage
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.film_frames import Left, chosen_frames

LEAST_PICTURES = 16
MOST_FRAMES = 20_000  # of a film; more are taken evenly from it


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures ``[B, 3, S, S]`` in [-1, 1], their labels, their numbers in the data, and which are mirrored."""

    images: Tensor
    labels: Tensor
    index: Tensor
    mirrored: Tensor


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures, the names of their classes, and what identifies them."""

    pictures: Pictures
    classes: tuple[str, ...]
    digest: str
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many."""
        return len(self.pictures.paths)

    def draw(self, count: int, generator: Generator, *, mirror: bool) -> Drawn:
        """Return random pictures, half of them mirrored if `mirror`."""
        index = torch.randint(self.count, (count,), generator=generator)
        images = self.pictures.fetch(index).float().div(127.5).sub(1)
        mirrored = torch.zeros(count, dtype=torch.bool)
        if mirror:
            mirrored = torch.rand(count, generator=generator) < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        return Drawn(images, self.pictures.labels[index], index, mirrored)

    def labels(self, count: int, generator: Generator) -> Tensor:
        """Return labels as often as they are in the data."""
        return self.pictures.labels[torch.randint(self.count, (count,), generator=generator)]


def open_source(config: Stylegan2Config, cache: Path | None = None) -> Source:
    """Return what is learned from.

    Raises:
        InputError, DataError: nothing is named, nothing can be read, or too few.
    """
    if not config.data:
        raise InputError("there is nothing to learn from; name a folder of pictures")
    path = Path(config.data)
    film = path.is_file() and is_footage(path)
    source = _of_film(path, config.side_px) if film else _of_folder(path, config, cache)
    if source.count < LEAST_PICTURES:
        raise DataError(f"'{path}' gives {source.count} pictures; a generator needs {LEAST_PICTURES} or more")
    return source


def _of_folder(path: Path, config: Stylegan2Config, cache: Path | None) -> Source:
    classes: tuple[str, ...] = ()
    if config.labels:
        folder = open_folder(path, val_share=0)
        archive, items, classes = folder.archive, folder.train, folder.classes
    else:
        archive, names = listed(path)
        items = tuple(Item(name, 0) for name in names)
    pictures, broken = load_pictures(archive, items, config.side_px, cache)
    digest = hashlib.sha256("\n".join(f"{i.label} {archive.stamp(i.path)}" for i in items).encode()).hexdigest()
    notes = (f"{len(broken)} pictures cannot be read, the first is '{broken[0]}'",) if broken else ()
    return Source(pictures, classes, digest, (*notes, *first_frames_note(archive, [item.path for item in items])))


def _of_film(path: Path, side: int) -> Source:
    footage = open_footage(path)
    every = max(1, footage.frames // MOST_FRAMES)
    left = Left()
    kept = list(chosen_frames(_squares(footage_frames(footage), side, every), left))
    if not kept:
        raise DataError(f"'{path}' has no frames that show anything")
    pixels = torch.stack(kept)
    digest = hashlib.sha256(pixels.numpy().tobytes()).hexdigest()
    names = tuple(f"frame {n}" for n in range(len(kept)))
    pictures = PackedPictures(pixels, torch.zeros(len(kept), dtype=torch.long), names, side)
    return Source(pictures, (), digest, tuple(filter(None, [left.line(len(kept))])))


def _squares(frames: Iterator[np.ndarray], side: int, every: int) -> Iterator[Tensor]:
    """Yield the middle squares of every n-th frame, ``[3, side, side]`` uint8."""
    for number, frame in enumerate(frames):
        if number % every:
            continue
        short = min(frame.shape[:2])
        top, left = (frame.shape[0] - short) // 2, (frame.shape[1] - short) // 2
        square = torch.from_numpy(np.ascontiguousarray(frame[top : top + short, left : left + short, :3]))
        image = square.permute(2, 0, 1)[None].float()
        small = F.interpolate(image, (side, side), mode="bilinear", antialias=True, align_corners=False)
        yield small[0].round().clamp(0, 255).byte()
