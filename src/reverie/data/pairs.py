"""Pairs of pictures: what is given, and what is to become of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.data.crops import cut
from reverie.data.examples import Drawing, Pair, as_image, held_out, listed
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Archive
from reverie.errors import DataError, PictureError
from reverie.media.arrays import SUFFIX, array_size, read_array
from reverie.media.image import picture_size, read_picture, to_uint8
from reverie.media.suffixes import PICTURES
from reverie.models.picture_kinds import Kind
from reverie.models.translator import Plane

CACHE_BYTES = 256 * 2**20  # of decoded pairs that are kept
FLOAT_BITS = 32
NAMED = 3  # files that a message names


class PairExamples:
    """Pairs of pictures: two folders or zips with the same names, or one of pictures that hold both, left and right.

    Args:
        path: the pictures, or those that hold both.
        targets: what is to become of them; None where `path` holds both.
        kinds: of the pictures and of the targets.
        share: of the pairs that is held out; 1 for all of them.
        seed: chooses which.
        skip: leave out pictures without a partner instead of refusing.

    Raises:
        DataError: missing partners, fewer than two pairs.
    """

    planes: tuple[Plane, ...] = ()

    def __init__(
        self, path: Path, targets: Path | None, kinds: tuple[Kind, Kind], share: float, seed: int, *,
        skip: bool = False,
    ) -> None:  # fmt: skip
        self.given, self.wanted = kinds
        self._archive, names = listed(path, suffixes_of(self.given))
        self._partners: dict[str, str] | None = None
        self.notes: list[str] = []
        if targets is not None:
            self._target_archive, others = listed(targets, suffixes_of(self.wanted))
            self._partners = matched(names, others, skip=skip, notes=self.notes)
            self._check_sizes(skip=skip)
            names = list(self._partners)
            self.notes += first_frames_note(self._target_archive, list(self._partners.values()))
        self.notes += first_frames_note(self._archive, names)
        if len(names) < 2 and share < 1:
            raise DataError(f"'{path}' gives {len(names)} pair; learning needs two or more")
        self._held = tuple(names) if share >= 1 else held_out(names, share, seed)
        self._names = [name for name in names if name not in set(self._held)]
        self._cache: dict[str, np.ndarray] = {}
        self._cached_bytes = 0
        self._unreadable: set[str] = set()
        self.count, self.held = len(self._names), len(self._held)
        self.digest = hashlib.sha256("\n".join(f"{name} {self._partner(name)}" for name in names).encode()).hexdigest()

    @property
    def outputs(self) -> int:
        """Channels of a target."""
        return self.wanted.channels

    def draw(self, count: int, size_px: int, generator: Generator, how: Drawing) -> Pair:
        """Return crops of the same place of both pictures."""
        chosen = torch.randint(len(self._names), (count,), generator=generator).tolist()
        crops = [
            cut(self._readable(i), size_px, generator, how.zoom, mirror=how.mirror, turns=how.turns,
                planes=self._planes)
            for i in chosen
        ]  # fmt: skip
        return self._split(torch.cat(crops))

    def held_out(self) -> Iterator[Pair]:
        """Yield whole pairs that are not learned from."""
        return self._whole(self._held)

    def learned(self) -> Iterator[Pair]:
        """Yield whole pairs that are learned from."""
        return self._whole(self._names)

    def target(self, image: Tensor, values: Mapping[str, float] | None = None) -> Tensor | None:
        """Return None: nobody knows."""
        return None

    def _readable(self, index: int) -> np.ndarray:
        """Return the pair of this number, or the first readable one behind it; what is left out is noted.

        Raises:
            DataError: none of them can be read.
        """
        for number in range(len(self._names)):
            both = self._both_or_none(self._names[(index + number) % len(self._names)])
            if both is not None:
                return both
        raise DataError(f"none of the {len(self._names)} pairs can be read; {self.notes[-1]}")

    def _both_or_none(self, name: str) -> np.ndarray | None:
        """Return a pair; None, once with a note, where it cannot be read."""
        if name in self._unreadable:
            return None
        try:
            return self._both(name)
        except PictureError as error:
            self._unreadable.add(name)
            self.notes.append(f"left out: {error}")
            return None

    def _whole(self, names: Sequence[str]) -> Iterator[Pair]:
        for name in names:
            both = self._both_or_none(name)
            if both is None:
                continue
            image = as_image(both.astype(np.float32) / 255 if both.dtype == np.uint8 else both)
            yield self._split(self._planes(image))

    def _planes(self, both: Tensor) -> Tensor:
        stored = self.given.stored
        return torch.cat([self.given.planes(both[:, :stored]), self.wanted.planes(both[:, stored:])], 1)

    def _split(self, both: Tensor) -> Pair:
        return both[:, : self.given.channels], both[:, self.given.channels :]

    def _partner(self, name: str) -> str:
        return name if self._partners is None else self._partners[name]

    def _both(self, name: str) -> np.ndarray:
        """Return a picture and its target as one ``[H, W, C]``: bytes if both have 8 bits, else floats."""
        if name not in self._cache:
            first, second, bits = self._read(name)
            both = np.concatenate([first, second], axis=2)
            both = to_uint8(both) if bits == 8 else both
            if self._cached_bytes + both.nbytes > CACHE_BYTES:
                self._cache.clear()
                self._cached_bytes = 0
            self._cache[name] = both
            self._cached_bytes += both.nbytes
        return self._cache[name]

    def _check_sizes(self, *, skip: bool) -> None:
        """Refuse pairs of two sizes, or leave them out, by their headers: before anything is learned."""
        assert self._partners is not None
        odd: dict[str, str] = {}
        for name, other in self._partners.items():
            try:
                sizes = size_of(self._archive, name, self.given), size_of(self._target_archive, other, self.wanted)
            except PictureError:  # whoever decodes it says why it is left out
                continue
            if sizes[0] != sizes[1]:
                one, two = (f"{width} x {height} px" for height, width in sizes)
                odd[name] = f"'{name}' is {one}, but its target '{other}' is {two}"
        if not odd:
            return
        text = f"{len(odd)} {'pairs have' if len(odd) > 1 else 'pair has'} two sizes: {named([*odd.values()])}"
        if not skip or len(odd) == len(self._partners):
            raise DataError(f"{text}; --skip-unpaired leaves them out")
        self.notes.append(f"left out {text}")
        self._partners = {name: other for name, other in self._partners.items() if name not in odd}

    def _read(self, name: str) -> tuple[np.ndarray, np.ndarray, int]:
        if self._partners is None:
            return self._read_halves(name)
        other = self._partners[name]
        first, bits = stored_pixels(self._archive, name, self.given)
        second, other_bits = stored_pixels(self._target_archive, other, self.wanted)
        check_same_size(first, second, name, other)
        return first, second, max(bits, other_bits)

    def _read_halves(self, name: str) -> tuple[np.ndarray, np.ndarray, int]:
        if self.given.is_array != self.wanted.is_array:
            raise DataError("pictures and arrays do not stand side by side in one file; use --targets")
        if self.given.is_array:
            left, right = halves(read_array(self._archive.open(name), self._archive.place(name)), name)
            return self.given.scaled(left, name), self.wanted.scaled(right, name), FLOAT_BITS
        one = read_picture(self._archive.open(name), name=self._archive.place(name))
        left, right = halves(one.rgb, name)
        alphas = (None, None) if one.alpha is None else halves(one.alpha, name)
        return self.given.pixels(left, alphas[0], name), self.wanted.pixels(right, alphas[1], name), one.bits


def suffixes_of(kind: Kind) -> Sequence[str]:
    """Return the suffixes of files that hold pictures of a kind."""
    return (SUFFIX,) if kind.is_array else PICTURES


def stored_pixels(archive: Archive, name: str, kind: Kind) -> tuple[np.ndarray, int]:
    """Return a file's ``[H, W, stored]`` float32 in [0, 1], and its bits."""
    if kind.is_array:
        return kind.scaled(read_array(archive.open(name), archive.place(name)), name), FLOAT_BITS
    found = read_picture(archive.open(name), name=archive.place(name))
    return kind.pixels(found.rgb, found.alpha, name), found.bits


def matched(names: Sequence[str], others: Sequence[str], *, skip: bool, notes: list[str]) -> dict[str, str]:
    """Return name → name of the target with the same path and stem.

    Raises:
        DataError: some have no partner, and they are not to be skipped.
    """
    stems = {str(PurePosixPath(name).with_suffix("")): name for name in others}
    pairs = {name: stems.pop(stem) for name in names if (stem := str(PurePosixPath(name).with_suffix(""))) in stems}
    alone = [name for name in names if name not in pairs] + list(stems.values())
    if alone:
        have = "picture has" if len(alone) == 1 else "pictures have"
        text = f"{len(alone)} {have} no partner of the same name"
        if not skip or not pairs:
            raise DataError(f"{text}: {named(alone)}; --skip-unpaired leaves them out")
        notes.append(f"{text} and {'is' if len(alone) == 1 else 'are'} left out: {named(alone)}")
    return pairs


def named(items: Sequence[str]) -> str:
    """Return the first of some items, and how many more there are."""
    return ", ".join(items[:NAMED]) + (f" and {len(items) - NAMED} more" if len(items) > NAMED else "")


def size_of(archive: Archive, name: str, kind: Kind) -> tuple[int, int]:
    """Return height and width of a picture or an array, upright, by its header."""
    place = archive.place(name)
    return array_size(archive.open(name), place) if kind.is_array else picture_size(archive.open(name), place)


def halves(pixels: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and the right half of a picture that holds a pair.

    Raises:
        DataError: its width is odd.
    """
    width = pixels.shape[1]
    if width % 2:
        raise DataError(f"'{name}' is {width} px wide; a picture that holds a pair side by side has an even width")
    return pixels[:, : width // 2], pixels[:, width // 2 :]


def check_same_size(first: np.ndarray, second: np.ndarray, name: str, other: str) -> None:
    """Raise `DataError` if the pictures of a pair have different sizes."""
    if first.shape[:2] != second.shape[:2]:
        sizes = [f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (first, second)]
        raise DataError(f"'{name}' is {sizes[0]} px, but its target '{other}' is {sizes[1]} px; a pair has one size")
