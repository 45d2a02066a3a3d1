"""Every way a picture can be unusable ends in one clear line."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from reverie.errors import InputError, PictureError
from reverie.media.image import read_picture, read_square
from reverie.media.source import MAX_PIXELS, pixel_limit

NOISE = np.random.default_rng(2).integers(0, 256, (90, 110, 3), dtype=np.uint8)


def complaint(source: Path | str | io.BytesIO, max_pixels: int | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(source, max_pixels=max_pixels)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def png_header(width: int, height: int) -> bytes:
    data = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = [(13, data), (len(idat) - 4, idat), (0, b"IEND")]
    body = b"".join(struct.pack(">I", size) + chunk + struct.pack(">I", zlib.crc32(chunk)) for size, chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def test_missing_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "holiday.png").write_bytes(b"x")
    message = complaint(tmp_path / "holyday.png")
    assert "no picture at" in message and "holiday.png" in message
    assert "no folder" in complaint(tmp_path / "nowhere" / "a.png")
    assert "no picture" in complaint(str(tmp_path / "a\0b.png"))


def test_folder_empty_and_special(tmp_path: Path) -> None:
    assert "is a folder" in complaint(tmp_path)
    (tmp_path / "empty.png").touch()
    assert "is empty" in complaint(tmp_path / "empty.png")
    assert "is empty" in complaint(io.BytesIO())
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a plain file" in complaint(tmp_path / "pipe.png")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.97])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "GIF", "BMP"])
def test_cut_short(kind: str, share: float) -> None:
    pillow_heif.register_heif_opener()
    out = io.BytesIO()
    Image.fromarray(NOISE).save(out, kind)
    blob = out.getvalue()
    message = complaint(io.BytesIO(blob[: int(share * len(blob))]))
    assert "cut short or damaged" in message or share < 0.05


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_deep_tiff_and_png_cut_short(compression: str | None) -> None:
    out = io.BytesIO()
    tifffile.imwrite(out, NOISE.astype(np.uint16) * 257, photometric="rgb", compression=compression)
    assert "cut short" in complaint(io.BytesIO(out.getvalue()[:-5000]))


def test_one_flipped_byte_never_escapes_as_another_error() -> None:
    random = np.random.default_rng(3)
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "AVIF"):
        out = io.BytesIO()
        Image.fromarray(NOISE[:24, :24]).save(out, kind)
        for _ in range(60):
            blob = bytearray(out.getvalue())
            for at in random.integers(0, min(len(blob), 400), 3):
                blob[at] = random.integers(0, 256)
            try:
                assert read_picture(io.BytesIO(bytes(blob)), max_pixels=10**7).rgb.ndim == 3
            except PictureError:
                continue


@pytest.mark.parametrize(
    ("blob", "what"),
    [
        (b"%PDF-1.7 ...", "a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"hello, world", "not a picture"),
        (bytes(1000), "not a picture"),
    ],
)
def test_not_a_picture(blob: bytes, what: str) -> None:
    message = complaint(io.BytesIO(blob))
    assert what in message or "damaged" in message
    assert "'picture'" in message


def test_bombs_are_refused_by_their_header() -> None:
    message = complaint(io.BytesIO(png_header(60000, 60000)))
    assert "60000 x 60000" in message and f"{MAX_PIXELS:,}" in message
    out = io.BytesIO()
    Image.fromarray(NOISE).save(out, "JPEG")
    assert "110 x 90" in complaint(io.BytesIO(out.getvalue()), max_pixels=9899)
    assert read_picture(io.BytesIO(out.getvalue()), max_pixels=9900).rgb.shape == NOISE.shape
    out = io.BytesIO()
    tifffile.imwrite(out, NOISE.astype(np.uint16), photometric="rgb")
    assert "110 x 90" in complaint(io.BytesIO(out.getvalue()), max_pixels=9899)


def test_above_pillows_own_warning_level_nothing_is_said() -> None:
    out = io.BytesIO()
    Image.new("L", (9600, 9600)).save(out, "PNG", compress_level=1)
    out.seek(0)
    assert read_square(out, 8, "x").shape == (8, 8, 3)


def test_too_many_bytes() -> None:
    assert "MiB" in complaint(io.BytesIO(bytes(2 << 20)), max_pixels=100)


def test_no_pixels() -> None:
    assert "no pixels" in complaint(io.BytesIO(png_header(0, 5)))


def test_limit_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_MAX_PIXELS", "1000")
    assert pixel_limit() == 1000 and pixel_limit(7) == 7
    assert "limit of 1,000" in complaint(io.BytesIO(png_header(100, 100)))
    monkeypatch.setenv("REVERIE_MAX_PIXELS", "many")
    with pytest.raises(InputError, match="REVERIE_MAX_PIXELS"):
        pixel_limit()
