"""What the channels of a translator's pictures mean: color, grey, color with transparency, or class numbers.

Class numbers become one plane each, 1 where a pixel is of that class, and a picture of them is made again by taking the
largest plane.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import DataError, InputError

CHANNELS = {"color": 3, "grey": 1, "alpha": 4}
LABELS = "labels"
MOST_CLASSES = 255
VOID = 255  # the number of pixels that belong to no class, by custom
GOLDEN = 0.618033988749895  # turns of hue between the colors of neighboring classes


@dataclass(frozen=True)
class Kind:
    """Of a picture: "color", "grey", "alpha" (color and transparency), or "labels:12": greys are class numbers."""

    name: str
    channels: int

    @property
    def is_labels(self) -> bool:
        """Whether the planes are classes."""
        return self.name.startswith(LABELS)

    @property
    def stored(self) -> int:
        """Channels of `pixels`; class numbers take one."""
        return 1 if self.is_labels else self.channels

    def pixels(self, rgb: np.ndarray, alpha: np.ndarray | None, name: str) -> np.ndarray:
        """Return ``[H, W, stored]`` float32 in [0, 1] from a picture; class numbers are divided by 255.

        Raises:
            DataError: a class number that is too large.
        """
        if self.name == "color":
            return rgb
        if self.name == "grey":
            return rgb @ np.array([0.299, 0.587, 0.114], np.float32)[:, None]
        if self.name == "alpha":
            own = np.ones(rgb.shape[:2], np.float32) if alpha is None else alpha
            return np.concatenate([rgb, own[..., None]], axis=2)
        numbers = np.rint(rgb[..., :1] * 255)
        odd = numbers[(numbers >= self.channels) & (numbers != VOID)]
        if odd.size:
            raise DataError(f"'{name}' has the class number {int(odd.max())}; {self.name} has 0 to {self.channels - 1}")
        return numbers / np.float32(255)

    def planes(self, stored: Tensor) -> Tensor:
        """Return ``[B, channels, H, W]`` in [0, 1] from ``[B, stored, H, W]``; pixels of no class are 0 everywhere."""
        if not self.is_labels:
            return stored
        numbers = (stored[:, 0] * 255).round().long()
        known = numbers < self.channels
        planes = F.one_hot(torch.where(known, numbers, 0), self.channels).permute(0, 3, 1, 2).float()
        return planes * known[:, None]

    def picture(self, planes: Tensor, *, numbers: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Return rgb ``[H, W, 3]`` and alpha ``[H, W]`` or None of planes ``[C, H, W]``.

        Classes get a color each, or with `numbers` their number as a grey value.
        """
        if self.is_labels:
            chosen = planes.argmax(0).numpy()
            if numbers:
                return np.repeat((chosen / np.float32(255))[..., None], 3, axis=2).astype(np.float32), None
            return class_colors(self.channels)[chosen], None
        rgb = planes[:3].expand(3, -1, -1).permute(1, 2, 0).numpy()
        return rgb, planes[3].numpy() if self.name == "alpha" else None


def parse_kind(text: str) -> Kind:
    """Return what a text such as "grey" or "labels:12" means.

    Raises:
        InputError: another text.
    """
    word, colon, count = text.partition(":")
    if word in CHANNELS and not colon:
        return Kind(word, CHANNELS[word])
    if word == LABELS and count.isdecimal() and 2 <= int(count) <= MOST_CLASSES:
        return Kind(text, int(count))
    raise InputError(f"'{text[:40]}' is no kind of picture; known: {', '.join(CHANNELS)}, or labels:N for 2 to "
                     f"{MOST_CLASSES} classes")  # fmt: skip


def class_colors(count: int) -> np.ndarray:
    """Return a color for each class, ``[count, 3]`` float32: hues far from each other, every third one darker."""
    turns: Any = ((i * GOLDEN) % 1 for i in range(count))
    colors = [colorsys.hsv_to_rgb(turn, 0.65, 0.95 - 0.22 * (i % 3)) for i, turn in enumerate(turns)]
    return np.array(colors, np.float32)
