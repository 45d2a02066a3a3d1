"""Pictures as people have them: what a right reading gives, by the same way for every reader."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from reverie.errors import PictureError
from reverie.media.budget import reading_within
from reverie.media.cicp import compressed, profile_of, to_light
from reverie.media.image import picture_notes, read_picture, read_small, read_square, to_uint8
from reverie.media.strips import store_picture, upright_size

RAMP = (np.linspace(0, 1, 64)[None, :, None] * np.array([1, 0.5, 0.25])).repeat(48, 0)
PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, raw: bytes, *, bits: int = 8, kind: int = 2, before: bytes = b"", interlaced: int = 0
) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced))
    return PNG + head + before + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def jpeg2000(samples: np.ndarray, kind: str) -> bytes:
    """Return samples through OpenJPEG as FFmpeg has it, which knows three components of 16 bits."""
    height, width = samples.shape[:2]
    context = av.CodecContext.create("jpeg2000", "w")
    context.width, context.height, context.pix_fmt, context.time_base = width, height, kind, Fraction(1)
    context.options = {"format": "jp2", "pred": "dwt53"}
    frame = av.VideoFrame(width, height, kind)
    rows = np.zeros((height, frame.planes[0].line_size), np.uint8)
    raw = samples.astype("<u2").view(np.uint8).reshape(height, -1)
    rows[:, : raw.shape[1]] = raw
    frame.planes[0].update(rows.tobytes())
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def heic(samples: np.ndarray) -> bytes:
    pillow_heif.options.SAVE_HDR_TO_12_BIT = True
    made = pillow_heif.from_bytes("RGB;16", samples.shape[1::-1], samples.astype("<u2").tobytes())
    out = io.BytesIO()
    made.save(out, quality=-1)
    return out.getvalue()


def levels(values: np.ndarray, bits: int) -> np.ndarray:
    return np.round(values * ((1 << bits) - 1)).astype(np.uint16)


DEEP: dict[str, tuple[Callable[[np.ndarray], bytes], float]] = {
    "JPEG 2000 of 16 bits": (lambda x: jpeg2000(np.round(x * 65535), "rgb48le"), 1.5 / 65535),
    "JPEG of 12 bits": (lambda x: imagecodecs.jpeg_encode(levels(x, 12), bitspersample=12, level=98), 0.02),
    "lossless JPEG of 12 bits": (
        lambda x: imagecodecs.jpeg_encode(levels(x, 12), bitspersample=12, lossless=True), 1 / 4095),
    "AVIF of 10 bits": (lambda x: imagecodecs.avif_encode(levels(x, 10), bitspersample=10, level=100), 1 / 1023),
    "HEIC of 12 bits": (lambda x: heic(np.round(x * 65535)), 0.02),
    "float TIFF": (lambda x: _tiff(x.astype(np.float32)), 1e-6),
    "float TIFF, LZMA": (lambda x: _tiff(x.astype(np.float32), compression="lzma"), 1e-6),
    "TIFF of 16 bits, Zstandard": (lambda x: _tiff(levels(x, 16), compression="zstd"), 1 / 65535),
}  # fmt: skip


def _tiff(samples: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, samples, photometric="rgb", **options)  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("kind", sorted(DEEP))
def test_every_reader_gives_the_levels_of_deep_pictures(tmp_path: Path, kind: str) -> None:
    """White stays white, and no level wraps around; quick readers see what the exact one sees."""
    make, bound = DEEP[kind]
    path = tmp_path / "a picture"
    path.write_bytes(make(RAMP))
    picture = read_picture(path)
    assert picture.bits == 16 and np.abs(picture.rgb - RAMP).max() <= bound
    assert upright_size(path) == (48, 64)
    middle = to_uint8(RAMP[:, 8:56])
    with path.open("rb") as file:
        assert np.abs(read_square(file, 48, "x").astype(int) - middle).max() <= 2 + 255 * bound
    assert np.abs(read_small(path, 64).astype(int) - to_uint8(RAMP)).max() <= 2 + 255 * bound
    if "float" not in kind:
        stored = store_picture(path)
        assert np.abs(stored.rgb.rows(0, 48) - RAMP).max() <= bound
        stored.close()


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_transparent_level_of_a_small_grey_png(bits: int) -> None:
    levels = np.arange(32) % (1 << bits)
    packed = np.packbits(((levels[:, None] >> np.arange(bits)[::-1]) & 1).astype(np.uint8))
    blob = png(32, 6, (b"\0" + packed.tobytes()) * 6, bits=bits, kind=0, before=chunk(b"tRNS", struct.pack(">H", 1)))
    picture = read_picture(io.BytesIO(blob))
    assert picture.alpha is not None and np.array_equal(picture.alpha[2], (levels != 1).astype(np.float32))
    shown = np.where(levels != 1, levels / ((1 << bits) - 1), 1.0)
    assert np.abs(picture.rgb[3, :, 0] - shown).max() < 1 / 255


def from_display_p3(colors: np.ndarray) -> np.ndarray:
    """Return sRGB in [0, 1] of Display P3 bytes. Source: CSS Color 4, sections 10.6 and 10.10."""
    to_srgb = np.array(
        [[1.2249402, -0.2249402, 0.0], [-0.0420570, 1.0420570, 0.0], [-0.0196376, -0.0786361, 1.0982736]]
    )
    linear = np.clip(to_light(colors / 255, 13) @ to_srgb.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_colors_named_by_code_points_are_converted() -> None:
    """Display P3's red lies beyond sRGB; a middle color is found by the matrices of both."""
    colors = np.array([[[255, 0, 0], [128, 128, 128], [100, 180, 90]]], np.uint8)
    raw, p3 = b"\0" + colors.tobytes(), chunk(b"cICP", bytes((12, 13, 0, 1)))
    assert np.abs(read_picture(io.BytesIO(png(3, 1, raw, before=p3))).rgb - from_display_p3(colors)).max() < 2 / 255
    deep = (colors.astype(np.uint16) * 257).astype(">u2")
    wide = read_picture(io.BytesIO(png(3, 1, b"\0" + deep.tobytes(), bits=16, before=p3)))
    assert wide.bits == 16 and np.abs(wide.rgb - from_display_p3(colors)).max() < 1 / 255
    plain = read_picture(io.BytesIO(png(3, 1, raw, before=chunk(b"cICP", bytes((1, 13, 0, 1))))))
    assert np.array_equal(to_uint8(plain.rgb), colors) and plain.notes == ()


def test_an_avif_that_names_its_colors_is_converted_alike() -> None:
    flat = np.full((32, 32, 3), (100, 180, 90), np.uint8)
    out = io.BytesIO()
    Image.fromarray(flat).save(out, "AVIF", quality=100, subsampling="4:4:4")
    blob = out.getvalue()
    at = blob.find(b"colrnclx") + 8
    assert at > 8
    tagged = blob[:at] + struct.pack(">2H", 12, 13) + blob[at + 4 :]
    mean = read_picture(io.BytesIO(tagged)).rgb.mean((0, 1))
    assert np.abs(mean - from_display_p3(flat[0, 0])).max() * 255 < 3
    assert np.abs(read_picture(io.BytesIO(blob)).rgb.mean((0, 1)) * 255 - (100, 180, 90)).max() < 3


def test_high_range_is_compressed_and_said() -> None:
    """PQ's 203 cd/m2 is nearly white, 0 is black, brighter never gets darker; a line says so."""
    assert profile_of(1, 13) is None and profile_of(9, 16) is not None
    light = to_light(np.linspace(0, 1, 1000), 16)
    assert light[0] == 0 and light[-1] <= 1 and (np.diff(light) >= 0).all()
    assert abs(float(to_light(np.array(0.5806), 16)) - float(compressed(np.array(1.0)))) < 0.005
    grey = bytes((148, 148, 148))  # PQ 0.58: 203 cd/m2
    picture = read_picture(io.BytesIO(png(1, 1, b"\0" + grey, before=chunk(b"cICP", bytes((9, 16, 0, 1))))))
    assert 0.88 < picture.rgb.min() <= picture.rgb.max() < 0.97
    assert len(picture.notes) == 1 and "HDR (PQ)" in picture.notes[0]


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF"])
def test_the_first_of_several_frames_is_said(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    path = tmp_path / "moving"
    frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=100)
    notes = read_picture(path).notes
    assert notes == picture_notes(path) == ("'moving' has several frames; only the first is used",)


def test_pages_bands_and_stretched_values_are_said() -> None:
    pages = read_picture(io.BytesIO(_tiff(np.zeros((2, 8, 8, 3), np.uint16))))
    assert "several pages" in " ".join(pages.notes)
    out = io.BytesIO()
    tifffile.imwrite(out, np.zeros((8, 8, 6), np.uint16), photometric="minisblack", planarconfig="contig")
    assert "6 bands" in " ".join(read_picture(io.BytesIO(out.getvalue())).notes)
    assert "from -1 to 1" in " ".join(read_picture(io.BytesIO(_tiff((2 * RAMP - 1).astype(np.float32)))).notes)
    assert read_picture(io.BytesIO(_tiff(RAMP.astype(np.float32)))).notes == ()


def test_color_that_nobody_sees_changes_nothing() -> None:
    """Two files that look the same are the same picture, whatever stands under their transparent pixels."""
    alpha = np.full((8, 8), 255, np.uint8)
    alpha[2:5, 3:6] = 0
    color = np.full((8, 8, 3), 90, np.uint8)
    found = []
    for hidden in (0, 200):
        color[2:5, 3:6] = hidden
        out = io.BytesIO()
        Image.fromarray(np.dstack([color, alpha])).save(out, "PNG")
        found.append(read_picture(io.BytesIO(out.getvalue())))
    assert np.array_equal(found[0].rgb, found[1].rgb) and found[0].rgb[3, 4].tolist() == [1, 1, 1]
    kept = read_picture(io.BytesIO(out.getvalue()), keep_hidden=True)
    assert np.abs(kept.rgb[3, 4] * 255 - 200).max() < 1e-3


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("read", [read_picture, lambda file: read_square(file, 16, "picture")], ids=["exact", "square"])
def test_a_png_with_missing_rows_is_refused(bits: int, read: Callable[[io.BytesIO], object]) -> None:
    row = b"\0" + b"\x80" * (40 * 3 * bits // 8)
    with pytest.raises(PictureError, match="cut short: 20 of 140 rows are there"):
        read(io.BytesIO(png(40, 140, row * 20, bits=bits)))
    read(io.BytesIO(png(40, 140, row * 140, bits=bits)))
    black = b"\0" + bytes(40 * 3 * bits // 8)
    read(io.BytesIO(png(40, 140, row * 100 + black * 40, bits=bits)))  # what ends in black is whole


def test_an_interlaced_png_with_missing_rows_is_refused() -> None:
    out = io.BytesIO()
    Image.fromarray(to_uint8(RAMP)).save(out, "PNG")
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    pixels = np.maximum(to_uint8(RAMP), 1)
    raw = b"".join(
        b"".join(b"\0" + row.tobytes() for row in pixels[top::down, left::right]) for top, left, down, right in passes
    )
    whole = read_picture(io.BytesIO(png(64, 48, raw, interlaced=1)))
    assert np.array_equal(to_uint8(whole.rgb), pixels)
    with pytest.raises(PictureError, match="cut short"):
        read_picture(io.BytesIO(png(64, 48, raw[: len(raw) - 2 * 193], interlaced=1)))


def test_a_picture_beyond_the_memory_is_refused_by_its_header() -> None:
    out = io.BytesIO()
    Image.new("L", (3000, 3000)).save(out, "PNG")
    with (
        reading_within(100e6),
        pytest.raises(PictureError, match=r"3000 x 3000 px: reading it takes about 216 MB, 100 MB"),
    ):
        read_picture(io.BytesIO(out.getvalue()))
    with reading_within(300e6):
        assert read_picture(io.BytesIO(out.getvalue())).rgb.shape == (3000, 3000, 3)


def test_a_tiff_of_one_strip_above_pillows_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # as 14000 x 14000 is above its own one
    pixels = to_uint8(RAMP)
    assert np.array_equal(to_uint8(read_picture(io.BytesIO(_tiff(pixels, rowsperstrip=48))).rgb), pixels)
