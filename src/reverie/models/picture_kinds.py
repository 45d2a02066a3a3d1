"""What the channels of a translator's pictures mean: color, grey, transparency, class numbers, or anything measured.

Class numbers become one plane each, 1 where a pixel is of that class, and a picture of them is made again by taking the
largest plane.
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import DataError, InputError

CHANNELS = {"color": 3, "grey": 1, "alpha": 4}
LABELS, ARRAY = "labels", "channels"
MOST_CHANNELS = 512
MOST_CLASSES = 255
VOID = 255  # the number of pixels that belong to no class, by custom
GOLDEN = 0.618033988749895  # turns of hue between the colors of neighboring classes


@dataclass(frozen=True)
class Kind:
    """Of a picture: "color", "grey", "alpha" (color and transparency), "labels:12", "channels:7" or "channels:7:-1..1".

    Labels are class numbers as grey values; channels are arrays of numbers in a range, which becomes [0, 1].
    """

    name: str
    channels: int
    low: float = 0.0
    high: float = 1.0

    @property
    def is_labels(self) -> bool:
        """Whether the planes are classes."""
        return self.name.startswith(LABELS)

    @property
    def is_colored(self) -> bool:
        """Whether pictures of it have colors, which networks of photographs know."""
        return self.name in ("color", "alpha")

    @property
    def is_array(self) -> bool:
        """Whether pictures of it are arrays of numbers."""
        return self.name.startswith(ARRAY)

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

    def scaled(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return ``[H, W, channels]`` float32 in [0, 1] from an array in the kind's own range.

        Raises:
            DataError: another number of channels, or values outside the range.
        """
        if values.shape[2] != self.channels:
            raise DataError(f"'{name}' has {values.shape[2]} channels; {self.name} has {self.channels}")
        low, high = float(values.min()), float(values.max())
        if low < self.low or high > self.high:
            raise DataError(
                f"'{name}' has values from {low:g} to {high:g}, {self.name} from {self.low:g} to {self.high:g}; say "
                f"the range as {ARRAY}:{self.channels}:LOW..HIGH"
            )
        return ((values - self.low) / (self.high - self.low)).astype(np.float32)

    def array(self, planes: Tensor) -> np.ndarray:
        """Return ``[H, W, channels]`` float32 in the kind's own range from planes ``[channels, H, W]`` in [0, 1]."""
        return (planes * (self.high - self.low) + self.low).permute(1, 2, 0).numpy()

    def planes(self, stored: Tensor) -> Tensor:
        """Return ``[B, channels, H, W]`` in [0, 1] from ``[B, stored, H, W]``; pixels of no class are 0 everywhere."""
        if not self.is_labels:
            return stored
        numbers = (stored[:, 0] * 255).round().long()
        known = numbers < self.channels
        planes = F.one_hot(torch.where(known, numbers, 0), self.channels).permute(0, 3, 1, 2).float()
        return planes * known[:, None]

    def decided(self, planes: Tensor) -> Tensor:
        """Return planes ``[..., channels, H, W]`` as a picture says them: the largest class is 1, the others 0."""
        if not self.is_labels:
            return planes
        return F.one_hot(planes.argmax(-3), self.channels).movedim(-1, -3).to(planes.dtype)

    def picture(self, planes: Tensor, *, numbers: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Return rgb ``[H, W, 3]`` and alpha ``[H, W]`` or None of planes ``[C, H, W]``.

        Classes get a color each, or with `numbers` their number as a grey value; of other channels the first one is
        shown in grey, or the first three as red, green and blue.
        """
        if self.is_labels:
            chosen = planes.argmax(0).numpy()
            if numbers:
                return np.repeat((chosen / np.float32(255))[..., None], 3, axis=2).astype(np.float32), None
            return class_colors(self.channels)[chosen], None
        rgb = planes[: 3 if self.channels >= 3 else 1].expand(3, -1, -1).permute(1, 2, 0).numpy()
        return rgb, planes[3].numpy() if self.name == "alpha" else None


def parse_kind(text: str) -> Kind:
    """Return what a text such as "grey" or "labels:12" means.

    Raises:
        InputError: another text.
    """
    word, colon, count = text.partition(":")
    if word == ARRAY:
        return _array_kind(text)
    if word in CHANNELS and not colon:
        return Kind(word, CHANNELS[word])
    if word == LABELS and count.isdecimal() and 2 <= int(count) <= MOST_CLASSES:
        return Kind(text, int(count))
    raise InputError(f"'{text[:40]}' is no kind of picture; known: {', '.join(CHANNELS)}, or labels:N for 2 to "
                     f"{MOST_CLASSES} classes, channels:N or channels:N:LOW..HIGH for arrays")  # fmt: skip


def _array_kind(text: str) -> Kind:
    found = re.fullmatch(r"channels:(\d{1,3})(?::(-?\d*\.?\d+)\.\.(-?\d*\.?\d+))?", text)
    count, low, high = (0, 0.0, 1.0) if found is None else (int(found[1]), float(found[2] or 0), float(found[3] or 1))
    if not 1 <= count <= MOST_CHANNELS or not low < high:
        raise InputError(
            f"'{text[:40]}' is no kind of array; known: channels:N for 1 to {MOST_CHANNELS} channels from 0 to 1, or "
            "channels:N:LOW..HIGH, such as channels:7:-1..1"
        )
    return Kind(text, count, low, high)


def class_colors(count: int) -> np.ndarray:
    """Return a color for each class, ``[count, 3]`` float32: hues far from each other, every third one darker."""
    turns: Any = ((i * GOLDEN) % 1 for i in range(count))
    colors = [colorsys.hsv_to_rgb(turn, 0.65, 0.95 - 0.22 * (i % 3)) for i, turn in enumerate(turns)]
    return np.array(colors, np.float32)
