"""What a network sees in every picture of a collection, as one vector each, and a thumbnail of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from reverie.critic.critic import LOGITS, Critic
from reverie.data.ahead import Ahead
from reverie.data.collection import Collection
from reverie.data.folder import Item
from reverie.errors import DataError, PictureError
from reverie.media.image import read_square

GOLDEN = 0.6180339887498949


@dataclass
class Seen:
    """What has been read so far, one row each; filled by `look`.

    Attributes:
        items: those that could be read.
        features: by layer, rows ``[C]`` float32.
        logits: rows ``[K]`` float32, where the network names classes.
        thumbs: ``[T, T, 3]`` uint8.
        broken: names of those that could not be read.
    """

    items: list[Item] = field(default_factory=list)
    features: dict[str, list[Tensor]] = field(default_factory=dict)
    logits: list[Tensor] = field(default_factory=list)
    thumbs: list[np.ndarray] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def rows(self, name: str) -> Tensor:
        """Return ``[N, C]`` features of a layer."""
        return torch.stack(self.features[name])

    def add(self, more: Seen) -> None:
        """Take over the rows of another."""
        for name, rows in more.features.items():
            self.features.setdefault(name, []).extend(rows)
        self.items += more.items
        self.logits += more.logits
        self.thumbs += more.thumbs
        self.broken += more.broken

    @property
    def labels(self) -> Tensor:
        """Class numbers ``[N]``, -1 without a class."""
        return torch.tensor([item.label for item in self.items], dtype=torch.long)


class Keeps(Protocol):
    """Where batches are kept that were looked at, see `reverie.tools.embed.kept`."""

    def read(self, number: int) -> Seen | None: ...
    def write(self, number: int, seen: Seen) -> None: ...


def look(
    collection: Collection, critic: Critic, layers: Sequence[str], *, pool: str, size_px: int, thumb_px: int,
    batch: int, seen: Seen, kept: Keeps | None = None,
) -> Iterator[int]:  # fmt: skip
    """Fill `seen` batch by batch, yielding how many pictures were looked at; the next batch is decoded meanwhile.

    Pictures that cannot be read are named in `seen.broken`. Batches that `kept` has are not looked at again.

    Raises:
        DataError: none could be read.
    """
    parts = [collection.items[i : i + batch] for i in range(0, len(collection.items), batch)]
    pool_of_threads = ThreadPoolExecutor(os.cpu_count() or 2)

    def ahead_of(step: int) -> Seen | list[tuple[np.ndarray, np.ndarray] | None]:
        if step >= len(parts):
            return []
        known = None if kept is None else kept.read(step)
        return known or [*pool_of_threads.map(lambda item: decoded(collection, item, size_px, thumb_px), parts[step])]

    ahead = Ahead(ahead_of, 1)
    try:
        done = 0
        for number, part in enumerate(parts):
            found = ahead.at(number)
            if not isinstance(found, Seen):
                squares, found = found, Seen()
                keep(part, squares, critic, layers, pool, found)
                if kept is not None:
                    kept.write(number, found)
            seen.add(found)
            done += len(part)
            yield done
    finally:
        ahead.close()
        pool_of_threads.shutdown(wait=True, cancel_futures=True)
    if not seen.items:
        raise DataError(
            f"none of the {len(collection.items)} pictures can be read; the first is '{collection.items[0].path}'"
        )


def keep(
    part: Sequence[Item], squares: Sequence[tuple[np.ndarray, np.ndarray] | None], critic: Critic,
    layers: Sequence[str], pool: str, seen: Seen,
) -> None:  # fmt: skip
    """Look at those of a batch that could be read."""
    seen.broken += [item.path for item, square in zip(part, squares, strict=True) if square is None]
    good = [(item, square) for item, square in zip(part, squares, strict=True) if square is not None]
    if not good:
        return
    images = torch.from_numpy(np.stack([square[0] for _, square in good])).permute(0, 3, 1, 2).float() / 255
    vectors, logits = features_of(critic, images, layers, pool)
    for name in layers:
        seen.features.setdefault(name, []).extend(vectors[name])
    if logits is not None:
        seen.logits.extend(logits)
    seen.items += [item for item, _ in good]
    seen.thumbs += [square[1] for _, square in good]


def features_of(
    critic: Critic, images: Tensor, layers: Sequence[str], pool: str
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Return ``[B, C]`` float32 by layer and ``[B, K]`` logits, None where the network's classes have no names.

    Args:
        critic: the network.
        images: ``[B, 3, H, W]`` in [0, 1].
        layers: names of layers.
        pool: see `pooled`.
    """
    named = bool(critic.identity.classes and critic.identity.logits_path)
    with torch.no_grad():
        found = critic(images, [*layers, LOGITS] if named else layers)
    logits = found[LOGITS].flatten(1).float().cpu() if named else None
    return {name: pooled(found[name], pool).cpu() for name in layers}, logits


def pooled(activation: Tensor, how: str) -> Tensor:
    """Return one vector a picture: ``[B, C]`` for mean, max and one, ``[B, 2 C]`` for moments (mean and deviation).

    "one" takes a single position of each picture, always another one: the places are those of a golden-ratio sequence.
    """
    flat = activation.float().flatten(2) if activation.ndim > 2 else activation.float()[..., None]
    if how == "one":
        at = (torch.arange(1, len(flat) + 1, dtype=torch.float64) * GOLDEN % 1 * flat.shape[2]).long().to(flat.device)
        return flat[torch.arange(len(flat), device=flat.device), :, at]
    if how == "max":
        return flat.amax(2)
    if how == "moments":
        return torch.cat([flat.mean(2), flat.std(2, unbiased=False)], dim=1)
    return flat.mean(2)


def decoded(collection: Collection, item: Item, size_px: int, thumb_px: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the square that the network sees and the thumbnail, or None if the picture cannot be read."""
    try:
        side = max(size_px, thumb_px)
        square = read_square(collection.archive.open(item.path), side, item.path)
    except (PictureError, OSError):
        return None
    return resized(square, size_px), resized(square, thumb_px)


def resized(square: np.ndarray, side_px: int) -> np.ndarray:
    """Return a square ``[S, S, 3]`` uint8 at another side."""
    if len(square) == side_px or side_px == 0:
        return square[:side_px] if side_px == 0 else square
    image = Image.fromarray(square).resize((side_px, side_px), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image)
