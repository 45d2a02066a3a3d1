"""Squares for training: where they are cut, how they are filtered, and how long that takes."""

from __future__ import annotations

import io
import time
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from reverie.errors import PictureError
from reverie.media.image import read_square


def saved(image: Image.Image, kind: str, **options: Any) -> io.BytesIO:
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    return out


def test_a_square_of_the_right_size_keeps_its_bytes() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    square = read_square(saved(Image.fromarray(pixels), "WEBP", lossless=True), 64, "x")
    assert square.dtype == np.uint8 and square.flags.writeable and np.array_equal(square, pixels)


@pytest.mark.parametrize("shape", [(40, 120), (120, 40)])
def test_cuts_the_center(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    long = int(np.argmax(shape))
    pixels.swapaxes(0, long)[40:80] = 255
    square = read_square(saved(Image.fromarray(pixels), "PNG"), 20, "x")
    assert square.shape == (20, 20, 3) and square[2:-2, 2:-2].min() == 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_shrinking_averages(kind: str) -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    square = read_square(saved(Image.fromarray(stripes), kind, quality=95), 32, "x")
    assert np.abs(square[4:-4, 4:-4].astype(int) - 127).max() <= 4


def test_jpeg_at_a_reduced_scale_stays_close_to_the_full_decode() -> None:
    y, x = np.mgrid[0:600, 0:800]
    pixels = np.stack([x / 4, y / 3, 127 + 80 * np.sin(x / 40)], axis=-1).astype(np.uint8)
    blob = saved(Image.fromarray(pixels), "JPEG", quality=95)
    full = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC, box=(100, 0, 700, 600))
    assert np.abs(read_square(blob, 64, "x").astype(int) - np.array(full)).mean() < 1.5


def test_orientation_and_transparency() -> None:
    pixels = np.zeros((30, 60, 3), np.uint8)
    pixels[:, 15:30] = (255, 0, 0)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise: left becomes top
    square = read_square(saved(Image.fromarray(pixels), "PNG", exif=exif), 30, "x")
    assert (square[:13, :, 0] > 250).all() and (square[17:, :, 0] < 5).all()
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert read_square(saved(clear, "PNG"), 8, "x").min() == 255


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "LAB"])
def test_every_mode_gives_white(mode: str) -> None:
    white = Image.new("RGB", (24, 20), "white")
    kind = "TIFF" if mode in ("CMYK", "F", "LAB") else "PNG"
    if mode == "I;16":
        image = Image.fromarray(np.full((20, 24), 65535, np.uint16))
    elif mode == "F":
        image = Image.fromarray(np.ones((20, 24), np.float32))
    elif mode == "LAB":
        image = Image.new("LAB", (24, 20), (255, 128, 128))
    else:
        image = white.convert(mode)
    square = read_square(saved(image, kind), 10, "x")
    assert square.shape == (10, 10, 3) and square.min() >= 254


def test_deep_tiff() -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, np.full((9, 9, 3), (65535, 32896, 0), np.uint16), photometric="rgb", compression="zlib")
    assert np.array_equal(read_square(out, 4, "x"), np.full((4, 4, 3), (255, 128, 0), np.uint8))


def test_errors_are_picture_errors() -> None:
    whole = saved(Image.effect_noise((200, 200), 90).convert("RGB"), "JPEG").getvalue()
    for blob in (b"", b"no picture", whole[: len(whole) // 2]):
        with pytest.raises(PictureError, match=r"'x\.jpg'"):
            read_square(io.BytesIO(blob), 32, "x.jpg")


def test_little_time_beyond_pillows_own() -> None:
    blob = saved(Image.effect_noise((64, 64), 60).convert("RGB"), "WEBP").getvalue()

    def plain() -> np.ndarray:
        with Image.open(io.BytesIO(blob)) as image:
            return np.array(image.convert("RGB"))

    def best(call: Any) -> float:
        times = []
        for _ in range(200):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(lambda: read_square(io.BytesIO(blob), 64, "x")) - best(plain) < 0.3e-3
