"""Decode a dataset once into squares of bytes, so that a training loop never waits for a decoder.

Small sets are packed into one memory-mapped file beside the run; sets that would not fit are decoded
again in every epoch by a pool of threads. Both answer the same call: indices in, ``[B, 3, S, S]`` uint8 out.
A pack has a small JSON beside it that names what is inside: processes of one machine and resumed runs share it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from reverie.data.folder import Archive, Item
from reverie.errors import DataError, OutputError, PictureError
from reverie.media.image import read_square
from reverie.weights.atomic import write_bytes

PACK_LIMIT_BYTES = 4 * 2**30
DISK_RESERVE_BYTES = 2**29  # left free for checkpoints; a full disk under a memory map kills the process


class Pictures(Protocol):
    """A list of labelled square pictures."""

    @property
    def labels(self) -> Tensor: ...

    @property
    def paths(self) -> tuple[str, ...]: ...

    @property
    def size_px(self) -> int: ...

    def fetch(self, indices: Tensor) -> Tensor:
        """Return ``[B, 3, size_px, size_px]`` uint8."""
        ...


@dataclass(frozen=True)
class PackedPictures:
    """Pictures decoded once, in memory or memory-mapped."""

    pixels: Tensor
    labels: Tensor
    paths: tuple[str, ...]
    size_px: int

    def fetch(self, indices: Tensor) -> Tensor:
        return self.pixels[indices]


@dataclass(frozen=True)
class LivePictures:
    """Pictures decoded on demand by a pool of threads."""

    archive: Archive
    labels: Tensor
    paths: tuple[str, ...]
    size_px: int
    pool: ThreadPoolExecutor

    def fetch(self, indices: Tensor) -> Tensor:
        names = [self.paths[i] for i in indices.tolist()]
        return torch.stack(list(self.pool.map(lambda n: _decode(self.archive, n, self.size_px), names)))


Loaded = tuple[Pictures, tuple[str, ...]]


def load_pictures(
    archive: Archive,
    items: Sequence[Item],
    size_px: int,
    cache: Path | None = None,
    *,
    limit_bytes: int = PACK_LIMIT_BYTES,
) -> Loaded:
    """Return the readable pictures and the paths of the broken ones.

    Raises:
        DataError: none of the pictures can be read.
    """
    steps = loading_pictures(archive, items, size_px, cache, limit_bytes=limit_bytes)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def loading_pictures(
    archive: Archive,
    items: Sequence[Item],
    size_px: int,
    cache: Path | None = None,
    *,
    limit_bytes: int = PACK_LIMIT_BYTES,
) -> Generator[int, None, Loaded]:
    """Do what `load_pictures` does, yielding the number of pictures read so far."""
    if not items:
        raise DataError("no pictures to read")
    needed = len(items) * 3 * size_px**2
    if needed > limit_bytes or (cache is not None and not _has_room(cache, needed)):
        return (yield from _load_live(archive, items, size_px, cache))
    if cache is None:
        pixels = torch.empty((len(items), 3, size_px, size_px), dtype=torch.uint8)
        broken = yield from _fill(pixels, archive, items)
        return _packed(pixels, items, size_px, broken), broken
    return (yield from _load_cached(archive, items, size_px, cache))


def delete_packs(folder: Path) -> None:
    """Remove the packs of a run; one that is still mapped (Windows) stays."""
    for path in (*folder.glob("pack-*.u8"), *folder.glob("pack-*.json")):
        with suppress(OSError):
            path.unlink()


def _load_cached(archive: Archive, items: Sequence[Item], size_px: int, cache: Path) -> Generator[int, None, Loaded]:
    about = cache.with_suffix(".json")
    digest = _digest(archive, items, size_px)
    broken = _known_broken(about, digest)
    if broken is None or not cache.is_file():
        about.unlink(missing_ok=True)
        pixels = _map_file(cache, "w+", len(items), size_px)
        broken = yield from _fill(torch.from_numpy(pixels), archive, items)
        pixels.flush()
        _describe(about, digest, broken)
        del pixels
    pixels = torch.from_numpy(_map_file(cache, "c", len(items), size_px))
    return _packed(pixels, items, size_px, broken), broken


def _map_file(cache: Path, mode: str, count: int, size_px: int) -> np.memmap:
    """Map the file: ``w+`` creates it, ``c`` reads it (writable in memory only, as torch wants it)."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        return np.memmap(cache, dtype=np.uint8, mode=mode, shape=(count, 3, size_px, size_px))  # type: ignore[call-overload]
    except OSError as error:
        raise OutputError(f"cannot write '{cache}': {error.strerror or error}") from error


def _digest(archive: Archive, items: Sequence[Item], size_px: int) -> str:
    lines = (f"{item.label} {item.path} {archive.stamp(item.path)}" for item in items)
    return hashlib.sha256("\n".join((str(size_px), *lines)).encode()).hexdigest()


def _describe(about: Path, digest: str, broken: tuple[str, ...]) -> None:
    about.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(about, json.dumps({"digest": digest, "broken": broken}).encode())


def _known_broken(about: Path, digest: str) -> tuple[str, ...] | None:
    """Return the broken pictures of a finished pack, or None if there is none for this data."""
    try:
        record = json.loads(about.read_text(encoding="utf-8"))
        return tuple(record["broken"]) if record["digest"] == digest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _has_room(cache: Path, needed: int) -> bool:
    folder = next(p for p in (cache.parent, *cache.parent.parents) if p.exists())
    already = cache.stat().st_size if cache.is_file() else 0
    return shutil.disk_usage(folder).free + already > needed + DISK_RESERVE_BYTES


def _packed(pixels: Tensor, items: Sequence[Item], size_px: int, broken: tuple[str, ...]) -> PackedPictures:
    labels, paths = _readable(items, broken)
    return PackedPictures(pixels[: len(paths)], labels, paths, size_px)


def _readable(items: Sequence[Item], broken: tuple[str, ...]) -> tuple[Tensor, tuple[str, ...]]:
    left_out = set(broken)
    good = [item for item in items if item.path not in left_out]
    return torch.tensor([item.label for item in good]), tuple(item.path for item in good)


def _fill(pixels: Tensor, archive: Archive, items: Sequence[Item]) -> Generator[int, None, tuple[str, ...]]:
    """Decode into the first rows of `pixels`, broken pictures left out; return their paths."""
    size_px, row = pixels.shape[-1], 0
    broken: list[str] = []
    with closing(_decode_all(archive, items, size_px)) as squares:
        for index, square in enumerate(squares):
            if square is None:
                broken.append(items[index].path)
            else:
                pixels[row] = square
                row += 1
            yield index + 1
    if row == 0:
        raise DataError(f"none of the {len(items)} pictures can be read; the first is '{items[0].path}'")
    return tuple(broken)


def _load_live(
    archive: Archive, items: Sequence[Item], size_px: int, cache: Path | None
) -> Generator[int, None, Loaded]:
    about = cache.with_suffix(".json") if cache is not None else None
    digest = _digest(archive, items, 0)
    broken = _known_broken(about, digest) if about is not None else None
    if broken is None:
        broken = yield from _verify(archive, items)
        if about is not None:
            _describe(about, digest, broken)
    labels, paths = _readable(items, broken)
    return LivePictures(archive, labels, paths, size_px, ThreadPoolExecutor(os.cpu_count() or 2)), broken


def _verify(archive: Archive, items: Sequence[Item]) -> Generator[int, None, tuple[str, ...]]:
    """Open every picture once, small, to find the broken ones; the rest is decoded when it is needed."""
    broken: list[str] = []
    with closing(_decode_all(archive, items, 32)) as squares:
        for index, square in enumerate(squares):
            if square is None:
                broken.append(items[index].path)
            yield index + 1
    if len(broken) == len(items):
        raise DataError(f"none of the {len(items)} pictures can be read; the first is '{items[0].path}'")
    return tuple(broken)


def _decode(archive: Archive, name: str, size_px: int) -> Tensor:
    return torch.from_numpy(read_square(archive.open(name), size_px, name)).permute(2, 0, 1)


def _decode_all(archive: Archive, items: Sequence[Item], size_px: int) -> Generator[Tensor | None, None, None]:
    """Yield every picture in order, None for a broken one; to be closed, or the threads go on to the last."""

    def attempt(item: Item) -> Tensor | None:
        try:
            return _decode(archive, item.path, size_px)
        except (PictureError, OSError):
            return None

    pool = ThreadPoolExecutor(os.cpu_count() or 2)
    try:
        yield from pool.map(attempt, items)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def color_statistics(pictures: Pictures, sample: int = 4096) -> tuple[list[float], list[float], list[list[float]]]:
    """Return mean, std and the symmetric square root of the covariance of the pixel colors, for values in [0, 1].

    The square root decorrelates color in the Fourier canvas. Source: Olah, Mordvintsev, Schubert 2017,
    "Feature Visualization", section on preconditioning.
    """
    indices = torch.linspace(0, len(pictures.paths) - 1, min(sample, len(pictures.paths))).long()
    pixels = pictures.fetch(indices)[:, :, ::2, ::2].permute(1, 0, 2, 3).reshape(3, -1).double() / 255
    covariance = torch.cov(pixels)
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    return pixels.mean(1).tolist(), pixels.std(1).tolist(), root.tolist()
