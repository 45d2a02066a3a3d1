"""What embedded-2 learns from: crops of pictures at several scales, and the small pictures of the classes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.data.folder import Archive, open_folder
from reverie.data.pack import load_pictures
from reverie.media.image import read_picture, to_uint8
from reverie.media.suffixes import PICTURES

HELD_OUT = slice(5, None, 12)  # of the first archive, by name: features are measured on these
LEAST_CROP_PX, LEAST_SCALE = 64, 0.55  # a crop is enlarged by no more than 1 / 0.55
LEAST_LABELLED_PX = 44  # of 64
CLASS_PX = 64
SOFT, COLOR = 0.2, 0.3  # brightness; contrast and saturation


class Photographs:
    """Pictures of several archives; the first is drawn from with probability 0.68, the others share the rest."""

    def __init__(self, archives: Sequence[Path], random: np.random.Generator) -> None:
        self.random = random
        self.pools = [_pictures(path) for path in archives]
        self.held_out = self.pools[0][HELD_OUT]
        held = set(range(len(self.pools[0]))[HELD_OUT])
        self.pools[0] = [p for i, p in enumerate(self.pools[0]) if i not in held]
        others = len(self.pools) - 1
        self.shares = [1.0] if not others else [0.68, *[0.32 / others] * others]

    def batch(self, count: int, px: int) -> Tensor:
        """Return ``[count, 3, px, px]`` in [0, 1]: crops of any size that the picture has, brought to `px`."""
        crops = []
        for _ in range(count):
            pool = self.pools[int(self.random.choice(len(self.pools), p=self.shares))]
            picture = pool[int(self.random.integers(len(pool)))]
            largest = min(picture.shape[:2])
            least = min(largest, max(px * LEAST_SCALE, LEAST_CROP_PX))
            side = round(math.exp(self.random.uniform(math.log(least), math.log(largest))))
            crops.append(cropped(picture, side, px, self.random))
        return varied(torch.cat(crops), self.random)


class Data:
    """Photographs, and pictures with classes in an order of their own for every pass."""

    def __init__(self, classes: Path, photos: Sequence[Path], seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.photos = Photographs(photos, self.random)
        folder = open_folder(classes)
        self.pictures, _ = load_pictures(folder.archive, folder.train, CLASS_PX)
        self.order: Tensor = torch.zeros(0, dtype=torch.long)

    def labelled(self, count: int, px: int) -> tuple[Tensor, Tensor]:
        """Return pictures ``[count, 3, px, px]`` in [0, 1], and their classes ``[count]``."""
        if len(self.order) < count:
            self.order = torch.from_numpy(self.random.permutation(len(self.pictures.labels)))
        chosen, self.order = self.order[:count].sort().values, self.order[count:]
        pixels = self.pictures.fetch(chosen).permute(0, 2, 3, 1).numpy()
        sides = self.random.integers(LEAST_LABELLED_PX, CLASS_PX + 1, count)
        crops = [cropped(p, int(side), px, self.random) for p, side in zip(pixels, sides, strict=True)]
        return varied(torch.cat(crops), self.random), self.pictures.labels[chosen]


def cropped(picture: np.ndarray, side: int, px: int, random: np.random.Generator) -> Tensor:
    """Return one square crop ``[1, 3, px, px]``, half of them mirrored."""
    height, width = picture.shape[:2]
    side = min(side, height, width)
    top, left = int(random.integers(0, height - side + 1)), int(random.integers(0, width - side + 1))
    square = torch.from_numpy(picture[top : top + side, left : left + side].copy()).permute(2, 0, 1)[None].float() / 255
    if side != px:
        square = F.interpolate(square, (px, px), mode="bicubic", antialias=True).clamp_(0, 1)
    return square.flip(3) if random.random() < 0.5 else square


def varied(images: Tensor, random: np.random.Generator) -> Tensor:
    """Return pictures of other brightness, contrast and saturation; one batch in seven is a little noisy."""

    def factors(most: float) -> Tensor:
        return torch.from_numpy(random.uniform(1 - most, 1 + most, (len(images), 1, 1, 1)).astype(np.float32))

    images = images * factors(SOFT)
    for dims in ((1, 2, 3), (1,)):
        middle = images.mean(dims, keepdim=True)
        images = middle + (images - middle) * factors(COLOR)
    if random.random() < 0.15:
        noise = random.normal(0, random.uniform(0.01, 0.06), images.shape)
        images = images + torch.from_numpy(noise.astype(np.float32))
    return images.clamp(0, 1).contiguous(memory_format=torch.channels_last)


def _pictures(path: Path) -> list[np.ndarray]:
    archive = Archive(path)
    names = [name for name in archive.names() if Path(name).suffix.lower() in PICTURES]
    return [to_uint8(read_picture(io.BytesIO(archive.read(name)), name=name).rgb) for name in names]
