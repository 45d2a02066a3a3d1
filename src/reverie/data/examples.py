"""What a translator learns from: pictures and what is to become of them, drawn as a function of a generator.

Either one set of pictures and a filter that makes the targets, or pairs of pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.data.crops import CropPool, cut
from reverie.data.folder import SUFFIXES, Archive, require_dataset
from reverie.errors import DataError
from reverie.media.image import read_picture, to_uint8

CACHE_BYTES = 256 * 2**20  # of decoded pairs that are kept
NAMED = 3  # files that a message names

Pair = tuple[Tensor, Tensor]
"""A picture ``[B, 3, H, W]`` and its target ``[B, C, H, W]``, in [0, 1]."""


class Examples(Protocol):
    """Pictures with their targets.

    Attributes:
        count: of those that are learned from.
        held: of those that are not.
        outputs: channels of a target.
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
    def digest(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...

    def draw(self, count: int, size_px: int, generator: Generator, zoom: float) -> Pair:
        """Return crops to learn from; see `reverie.data.crops.CropPool.crops`."""
        ...

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pictures that are not learned from."""
        ...

    def target(self, image: Tensor) -> Tensor | None:
        """Return what should become of any picture, where there is a filter that says so."""
        ...


class FilterExamples:
    """Any pictures, and a function that gives their targets.

    Raises:
        DataError: no pictures.
    """

    notes: Sequence[str] = ()

    def __init__(self, path: Path, apply: Callable[[Tensor], Tensor], outputs: int, share: float, seed: int) -> None:
        self._apply, self.outputs = apply, outputs
        self._archive, names = listed(path)
        self._held = held_out(names, share, seed)
        self._pool = CropPool([path], leave_out=[PurePosixPath(name).name for name in self._held])
        self.count, self.held, self.digest = self._pool.count, len(self._held), self._pool.digest

    def draw(self, count: int, size_px: int, generator: Generator, zoom: float) -> Pair:
        """Return crops and what the function makes of them."""
        crops = self._pool.crops(count, size_px, generator, zoom=zoom)
        return crops, self._apply(crops)

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pictures that are not learned from."""
        for name in self._held:
            image = as_image(read_picture(self._archive.open(name), name=name).rgb)
            yield image, self._apply(image)

    def target(self, image: Tensor) -> Tensor | None:
        """Return what the function makes of a picture."""
        return self._apply(image)


class PairExamples:
    """Pairs of pictures: two folders or zips with the same names, or one of pictures that hold both, left and right.

    Args:
        path: the pictures, or those that hold both.
        targets: what is to become of them; None where `path` holds both.
        share: of the pairs that is held out.
        seed: chooses which.
        skip: leave out pictures without a partner instead of refusing.

    Raises:
        DataError: missing partners, fewer than two pairs.
    """

    outputs = 3

    def __init__(self, path: Path, targets: Path | None, share: float, seed: int, *, skip: bool = False) -> None:
        self._archive, names = listed(path)
        self._partners: dict[str, str] | None = None
        self.notes: list[str] = []
        if targets is not None:
            self._target_archive, others = listed(targets)
            self._partners = matched(names, others, skip=skip, notes=self.notes)
            names = list(self._partners)
        if len(names) < 2:
            raise DataError(f"'{path}' gives {len(names)} pair; learning needs two or more")
        self._held = held_out(names, share, seed)
        self._names = [name for name in names if name not in set(self._held)]
        self._cache: dict[str, np.ndarray] = {}
        self.count, self.held = len(self._names), len(self._held)
        self.digest = hashlib.sha256("\n".join(f"{name} {self._partner(name)}" for name in names).encode()).hexdigest()

    def draw(self, count: int, size_px: int, generator: Generator, zoom: float) -> Pair:
        """Return crops of the same place of both pictures."""
        chosen = torch.randint(len(self._names), (count,), generator=generator).tolist()
        both = torch.cat([cut(self._both(self._names[i]), size_px, generator, zoom) for i in chosen])
        return both[:, :3], both[:, 3:]

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pairs that are not learned from."""
        for name in self._held:
            both = as_image(self._both(name).astype(np.float32) / 255)
            yield both[:, :3], both[:, 3:]

    def target(self, image: Tensor) -> Tensor | None:
        """Return None: nobody knows."""
        return None

    def _partner(self, name: str) -> str:
        return name if self._partners is None else self._partners[name]

    def _both(self, name: str) -> np.ndarray:
        """Return a picture and its target as one ``[H, W, 6]`` of bytes."""
        if name not in self._cache:
            rgb = to_uint8(read_picture(self._archive.open(name), name=name).rgb)
            if self._partners is None:
                first, second = halves(rgb, name)
            else:
                other = self._partners[name]
                first, second = rgb, to_uint8(read_picture(self._target_archive.open(other), name=other).rgb)
                check_same_size(first, second, name, other)
            if sum(pixels.nbytes for pixels in self._cache.values()) > CACHE_BYTES:
                self._cache.clear()
            self._cache[name] = np.concatenate([first, second], axis=2)
        return self._cache[name]


def listed(path: Path) -> tuple[Archive, list[str]]:
    """Return the pictures of a folder, a zip, or one file.

    Raises:
        DataError: there are none.
    """
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return Archive(path.parent), [path.name]
    require_dataset(path, "a picture, a folder of pictures, or a zip of one")
    archive = Archive(path)
    names = [name for name in archive.names() if PurePosixPath(name).suffix.lower() in SUFFIXES]
    if not names:
        raise DataError(f"there is no picture in '{path}'")
    return archive, names


def held_out(names: Sequence[str], share: float, seed: int) -> tuple[str, ...]:
    """Return the pictures that are not learned from: those of the smallest hashes, always the same for a seed."""
    if share <= 0 or len(names) < 2:
        return ()
    count = min(len(names) - 1, max(1, round(share * len(names))))
    return tuple(sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).hexdigest())[:count])


def matched(names: Sequence[str], others: Sequence[str], *, skip: bool, notes: list[str]) -> dict[str, str]:
    """Return name → name of the target with the same path and stem.

    Raises:
        DataError: some have no partner, and they are not to be skipped.
    """
    stems = {str(PurePosixPath(name).with_suffix("")): name for name in others}
    pairs = {name: stems.pop(stem) for name in names if (stem := str(PurePosixPath(name).with_suffix(""))) in stems}
    alone = [name for name in names if name not in pairs] + list(stems.values())
    if alone:
        more = f" and {len(alone) - NAMED} more" if len(alone) > NAMED else ""
        text = f"{len(alone)} pictures have no partner of the same name: {', '.join(alone[:NAMED])}{more}"
        if not skip or not pairs:
            raise DataError(f"{text}; --skip-unpaired leaves them out")
        notes.append(f"left out {text}")
    return pairs


def halves(rgb: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and the right half of a picture that holds a pair.

    Raises:
        DataError: its width is odd.
    """
    width = rgb.shape[1]
    if width % 2:
        raise DataError(f"'{name}' is {width} px wide; a picture that holds a pair side by side has an even width")
    return rgb[:, : width // 2], rgb[:, width // 2 :]


def check_same_size(first: np.ndarray, second: np.ndarray, name: str, other: str) -> None:
    """Raise `DataError` if the pictures of a pair have different sizes."""
    if first.shape != second.shape:
        sizes = [f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (first, second)]
        raise DataError(f"'{name}' is {sizes[0]} px, but its target '{other}' is {sizes[1]} px; a pair has one size")


def as_image(rgb: np.ndarray) -> Tensor:
    """Return ``[1, C, H, W]`` from ``[H, W, C]``."""
    return torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None]
