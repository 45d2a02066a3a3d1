"""Read GIF and animated WebP, PNG and AVIF: whole frames, their durations, how often they play, transparency.

A frame is what a viewer shows at that moment, never the difference that the file stores. `AnimationWriter` writes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from reverie.errors import VideoError
from reverie.media.animation_write import AnimationWriter
from reverie.media.icc import image_to_srgb
from reverie.media.moving import ANIMATED_FORMATS, BREAKS_OFF, is_animated
from reverie.media.source import check_memory, open_picture, pixel_limit, reading

__all__ = [
    "AnimationInfo", "AnimationWriter", "animation_frames", "is_animated", "read_animation",
]  # fmt: skip

MOST_PIXELS = 1 << 26  # of a frame: each is put together whole, however little of it the file stores
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


def read_animation(path: Path | str) -> AnimationInfo:
    """Look through an animation; every frame is decoded once and forgotten.

    Raises:
        VideoError: no GIF, WebP, PNG or AVIF, without a frame that can be decoded, or with frames too large.
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
        if image.format not in ANIMATED_FORMATS:
            raise VideoError(f"'{path}' is no GIF, WebP, PNG or AVIF")
        size = _screen(file) if image.format == "GIF" else None
        _check_frame(size or image.size, path)
        number = int(bool(getattr(image, "default_image", False)))  # of an APNG: a still that is not part of it
        while True:
            try:
                image.seek(number)
                image.load()
            except EOFError:
                break
            except BREAKS_OFF:
                yield None
                break
            yield image if size is None or image.size == size else _clipped(image, size)
            number += 1


def _screen(file: BinaryIO) -> tuple[int, int] | None:
    """Return the size that a GIF's header gives its screen: frames that reach beyond it are clipped, as browsers do."""
    file.seek(6)
    width, height = struct.unpack("<HH", file.read(4))
    return (width, height) if width and height else None


def _clipped(image: Any, size: tuple[int, int]) -> Any:
    found = image.crop((0, 0, *size))
    found.format, found.info = image.format, image.info
    return found


def _check_frame(size: tuple[int, int], path: Path) -> None:
    width, height = size
    if width * height > MOST_PIXELS:
        raise VideoError(
            f"'{path}' moves and is {width} x {height} px, more than the {MOST_PIXELS:,} pixels that a frame may have"
        )
    check_memory((height, width), 8 * width * height, str(path))


def _plays(image: Any) -> int:
    """Return how often the animation runs: GIF stores repetitions and nothing for one run, others store runs."""
    loop = image.info.get("loop")
    if image.format != "GIF":
        return int(loop or 0)
    return 1 if loop is None else 0 if loop == 0 else int(loop) + 1


def _has_holes(image: Any) -> bool:
    return image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255
