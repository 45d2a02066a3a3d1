"""Read GIF and animated WebP: whole frames, their durations, how often they play, transparency.

A frame is what a viewer shows at that moment, never the difference that the file stores. `AnimationWriter` writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reverie.errors import PictureError, VideoError
from reverie.media.animation_write import ANIMATION_SUFFIXES, AnimationWriter
from reverie.media.icc import image_to_srgb
from reverie.media.source import open_picture, pixel_limit, reading

__all__ = [
    "ANIMATION_SUFFIXES", "AnimationInfo", "AnimationWriter", "animation_frames", "is_animated", "read_animation",
]  # fmt: skip

KINDS = ("GIF", "WEBP")
BREAKS_OFF = (OSError, SyntaxError, ValueError, IndexError, struct.error)  # Pillow's words for a file that is cut
SHORTEST_MS, INSTEAD_MS = 11, 100  # browsers show frames of 10 ms or less for 100 ms


@dataclass(frozen=True)
class AnimationInfo:
    """What is known of an animation: upright `size` (height, width), one duration per frame, and how it plays.

    `plays` is how often it runs, 0 for ever; `transparent` says that some frame has transparency; `notes` are lines
    a user should see.
    """

    path: Path
    size: tuple[int, int]
    durations_ms: tuple[int, ...]
    plays: int
    transparent: bool
    notes: tuple[str, ...]

    @property
    def frames(self) -> int:
        return len(self.durations_ms)

    @property
    def rate(self) -> Fraction:
        """Frames per second on average, as browsers play them."""
        return Fraction(1000 * self.frames, sum(shown_ms(d) for d in self.durations_ms))


def shown_ms(duration_ms: int) -> int:
    """Return how long viewers show a frame: very short ones are not believed."""
    return duration_ms if duration_ms >= SHORTEST_MS else INSTEAD_MS


def is_animated(path: Path | str) -> bool:
    """Return whether a file is a GIF or WebP of several frames; False for anything else or unreadable."""
    path = Path(path)
    if path.suffix.lower() not in ANIMATION_SUFFIXES or not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            image = open_picture(file, path.name, pixel_limit())
            if image.format not in KINDS:
                return False
            image.seek(1)
        except (EOFError, PictureError, *BREAKS_OFF):
            return False
    return True


def read_animation(path: Path | str) -> AnimationInfo:
    """Look through an animation; every frame is decoded once and forgotten.

    Raises:
        VideoError: not a GIF or WebP, or without a frame that can be decoded.
        PictureError: missing, empty, or with too many pixels.
    """
    path = Path(path)
    durations: list[int] = []
    transparent, size, plays, broken = False, (0, 0), 1, False
    for image in _moments(path):
        if image is None:
            broken = True
            break
        if not durations:
            size, plays = (image.height, image.width), _plays(image)
        durations.append(round(image.info.get("duration", 0)))
        transparent = transparent or _has_holes(image)
    if not durations:
        raise VideoError(f"'{path}' has no frame that can be decoded; get a fresh copy")
    cut = f"'{path.name}' is cut short or damaged: its first {len(durations)} frames are read"
    return AnimationInfo(path, size, tuple(durations), plays, transparent, (cut,) if broken else ())


def animation_frames(
    path: Path | str, info: AnimationInfo | None = None, *, start: int = 0, alpha: bool = False
) -> Iterator[np.ndarray]:
    """Yield the frames from number `start` on as ``[H, W, 3]`` uint8 sRGB on white, or ``[H, W, 4]`` with `alpha`.

    Raises:
        VideoError, PictureError: as `read_animation`.
    """
    info = info or read_animation(path)
    for number, image in enumerate(_moments(Path(path))):
        if image is None or number >= info.frames:
            return
        if number < start:
            image.load()
            continue
        layer = image.convert("RGBA")
        color = layer if alpha else Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        rgb = np.asarray(image_to_srgb(color.convert("RGB"), image.info.get("icc_profile")))
        yield np.dstack([rgb, np.asarray(layer.getchannel("A"))]) if alpha else np.ascontiguousarray(rgb)


def _moments(path: Path) -> Iterator[Any]:
    """Yield the open picture at each of its frames, then None if it breaks off."""
    if not path.is_file():
        raise VideoError(f"'{path}' is a folder; expected one file" if path.is_dir() else f"no animation at '{path}'")
    with path.open("rb") as file, reading(str(path)):
        image = open_picture(file, str(path), pixel_limit())
        if image.format not in KINDS:
            raise VideoError(f"'{path}' is neither GIF nor WebP")
        number = 0
        while True:
            try:
                image.seek(number)
                image.load()
            except EOFError:
                break
            except BREAKS_OFF:
                yield None
                break
            yield image
            number += 1


def _plays(image: Any) -> int:
    """Return how often the animation runs: GIF stores repetitions and nothing for one run, WebP stores runs."""
    loop = image.info.get("loop")
    if image.format == "WEBP":
        return int(loop or 0)
    return 1 if loop is None else 0 if loop == 0 else int(loop) + 1


def _has_holes(image: Any) -> bool:
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255
