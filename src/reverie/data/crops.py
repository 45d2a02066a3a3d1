"""Random square crops of a pool of pictures, as a function of a generator: what makers of pictures train on."""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Archive, require_dataset
from reverie.errors import DataError, PictureError
from reverie.media.image import read_picture, to_uint8
from reverie.media.suffixes import PICTURES

CACHE_BYTES = 256 * 2**20  # of decoded pictures that are kept
ATTEMPTS = 20  # broken pictures in a row before giving up


class CropPool:
    """All pictures of some folders, zips and files; every source is drawn from equally often.

    Several threads may draw at once.

    Attributes:
        left_out: a line for each picture that could not be read so far.

    Raises:
        DataError: a source that is missing or holds no picture.
    """

    def __init__(self, sources: Sequence[Path], *, leave_out: Sequence[str] = ()) -> None:
        self._sources = [_listed(path, set(leave_out)) for path in sources]
        self._cache: OrderedDict[tuple[int, str], np.ndarray] = OrderedDict()
        self._cached_bytes = 0
        self.left_out: dict[str, None] = {}  # a set in the order of finding
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        return sum(len(names) for _, names in self._sources)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what is reduced, pictures of several frames, and what was left out so far, since it cannot be read."""
        return (*self._of_frames, *self.left_out)

    @cached_property
    def _of_frames(self) -> tuple[str, ...]:
        return tuple(note for archive, names in self._sources for note in first_frames_note(archive, names))

    @property
    def digest(self) -> str:
        """Identify the list of files."""
        listed = "\n".join(f"{i} {name}" for i, (_, names) in enumerate(self._sources) for name in names)
        return hashlib.sha256(listed.encode()).hexdigest()

    def crops(
        self, count: int, size_px: int, generator: Generator, *, zoom: float = 1.0, mirror: bool = True,
        turns: bool = False,
    ) -> Tensor:  # fmt: skip
        """Return ``[count, 3, size_px, size_px]`` float in [0, 1], half of them mirrored, on demand turned.

        A crop takes between `size_px` pixels and `zoom` times the shorter side, and is made smaller without aliasing.
        Pictures of half the size or less are laid out two by two, which is sharper than enlarging them.
        """
        how = partial(cut, zoom=zoom, mirror=mirror, turns=turns)
        return torch.cat([self._crop(size_px, generator, how) for _ in range(count)])

    def _crop(self, size_px: int, generator: Generator, how: Callable[..., Tensor]) -> Tensor:
        pixels = self._draw(generator)
        if 2 * min(pixels.shape[:2]) <= size_px:
            half = size_px // 2
            four = [how(p, half, generator) for p in (pixels, *(self._draw(generator) for _ in range(3)))]
            return torch.cat([torch.cat(four[:2], dim=3), torch.cat(four[2:], dim=3)], dim=2)
        return how(pixels, size_px, generator)

    def _draw(self, generator: Generator) -> np.ndarray:
        archive, name = self._sources[0][0], ""
        for _ in range(ATTEMPTS):
            number = _below(len(self._sources), generator)
            archive, names = self._sources[number]
            name = names[_below(len(names), generator)]
            try:
                return self._pixels(number, archive, name)
            except (PictureError, OSError) as error:
                self.left_out[f"left out: {error}"] = None
        raise DataError(f"{ATTEMPTS} pictures in a row cannot be read; the last is '{archive.place(name)}'")

    def _pixels(self, number: int, archive: Archive, name: str) -> np.ndarray:
        key = (number, name)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            data = archive.open(name)
        pixels = to_uint8(read_picture(data, name=archive.place(name)).rgb)
        with self._lock:
            if key not in self._cache:
                self._cache[key] = pixels
                self._cached_bytes += pixels.nbytes
            while self._cached_bytes > CACHE_BYTES and len(self._cache) > 1:
                self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return pixels


def _listed(path: Path, leave_out: set[str]) -> tuple[Archive, list[str]]:
    if path.is_file() and path.suffix.lower() in PICTURES:
        return Archive(path.parent), [path.name]
    require_dataset(path, "a picture, a folder of pictures, or a zip of one")
    archive = Archive(path)
    names = [n for n in archive.names() if Path(n).suffix.lower() in PICTURES and Path(n).name not in leave_out]
    if not names:
        raise DataError(f"there is no picture in '{path}'")
    return archive, names


def _below(count: int, generator: Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))


def cut(
    pixels: np.ndarray, size_px: int, generator: Generator, zoom: float, *, mirror: bool = True, turns: bool = False,
    planes: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:  # fmt: skip
    """Return one crop ``[1, C, size_px, size_px]``, float in [0, 1].

    Args:
        pixels: ``[H, W, C]``, bytes, or floats in [0, 1].
        size_px: side of the crop.
        generator: of all that is random.
        zoom: see `CropPool.crops`.
        mirror: turn half of them over.
        turns: give them quarter turns.
        planes: what is done to the channels before the crop is made smaller.
    """
    height, width = pixels.shape[:2]
    draw = torch.rand(4, generator=generator).tolist()
    largest = max(min(height, width) * zoom, 1)
    side = round(size_px * math.exp(draw[0] * max(0.0, math.log(largest / size_px))))
    side = max(1, min(side, height, width))
    top, left = int(draw[1] * (height - side + 1)), int(draw[2] * (width - side + 1))
    square = torch.from_numpy(np.ascontiguousarray(pixels[top : top + side, left : left + side]))
    square = square.permute(2, 0, 1)[None].float() / (255 if pixels.dtype == np.uint8 else 1)
    square = square.flip(3) if mirror and draw[3] < 0.5 else square
    square = torch.rot90(square, int(torch.randint(4, (1,), generator=generator)), (2, 3)) if turns else square
    square = square if planes is None else planes(square)
    if side == size_px:
        return square
    return F.interpolate(square, (size_px, size_px), mode="bilinear", antialias=True, align_corners=False)
