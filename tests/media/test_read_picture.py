"""Every format and mode, against pixel values known in closed form."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from reverie.media.image import Picture, read_picture, read_square, to_uint8

RANDOM = np.random.default_rng(0)
COLORS = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65536, (5, 7, 4), dtype=np.uint16)
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def smooth(height: int = 32, width: int = 48) -> np.ndarray:
    """Return a picture that lossy codecs reproduce closely."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 4 + 20, y * 6 + 10, 200 - x * 2 - y], axis=-1).clip(0, 255).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def read(blob: bytes) -> Picture:
    return read_picture(io.BytesIO(blob), name="test")


def tiff(samples: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, samples, **options)
    return out.getvalue()


def naive_png(samples: np.ndarray, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """Write 16-bit PNG without filters, plain or Adam7."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, channels = samples.shape
    passes = [samples[y::dy, x::dx] for y, x, dy, dx in ADAM7] if interlaced else [samples]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for part in passes if part.size for row in part)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, int(interlaced))
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def turned_exif(code: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = code
    return exif


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
        ("BMP", {}),
        ("PPM", {}),
        ("JPEG2000", {"irreversible": False}),
    ],
)
def test_lossless_formats_are_exact(kind: str, options: dict[str, Any]) -> None:
    picture = read(saved(Image.fromarray(COLORS), kind, **options))
    assert picture.rgb.dtype == np.float32 and picture.alpha is None and picture.bits == 8
    assert np.array_equal(picture.rgb, COLORS.astype(np.float32) / np.float32(255))
    assert np.array_equal(to_uint8(picture.rgb), COLORS)


@pytest.mark.parametrize(("kind", "bound"), [("JPEG", 3), ("WEBP", 5), ("AVIF", 4), ("HEIF", 4)])
def test_lossy_formats_are_close(kind: str, bound: float) -> None:
    pillow_heif.register_heif_opener()
    pixels = smooth()
    picture = read(saved(Image.fromarray(pixels), kind, quality=95))
    assert np.abs(picture.rgb * 255 - pixels).mean() < bound / 2
    assert np.abs(picture.rgb * 255 - pixels).max() < 4 * bound


def test_heic_needs_no_registration_and_no_suffix(tmp_path: Path) -> None:
    pillow_heif.register_heif_opener()
    path = tmp_path / "phone.jpg"
    path.write_bytes(saved(Image.fromarray(smooth()), "HEIF", quality=95))
    script = (
        "import sys; from reverie.media.image import read_picture; p = read_picture(sys.argv[1]); "
        "assert 'torch' not in sys.modules; print(p.rgb.shape, p.name)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script, str(path)], capture_output=True, text=True)
    assert done.stdout.strip() == "(32, 48, 3) phone.jpg", done.stderr
    assert not done.stderr


@pytest.mark.parametrize("code", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_all_orientations(kind: str, code: int) -> None:
    pixels = smooth()
    options: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95}, "AVIF": {"quality": 95}}
    picture = read(saved(Image.fromarray(pixels), kind, exif=turned_exif(code), **options.get(kind, {})))
    expected = TURNS[code](pixels)
    assert picture.rgb.shape == expected.shape
    error = np.abs(picture.rgb * 255 - expected).max()
    assert error < (14 if kind in ("JPEG", "AVIF") else 1e-3)


@pytest.mark.parametrize("code", range(1, 9))
def test_all_orientations_of_deep_pictures(code: int) -> None:
    expected = TURNS[code](DEEP[..., :3]) / 65535
    exif = turned_exif(code).tobytes()[6:]
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    png = read(naive_png(DEEP[..., :3], extra=chunk))
    page = read(tiff(DEEP[..., :3], photometric="rgb", extratags=[(274, "H", 1, code, True)]))
    for picture in (png, page):
        assert picture.rgb.shape == expected.shape and np.abs(picture.rgb - expected).max() < 1 / 60000


def test_heic_orientation() -> None:
    pillow_heif.register_heif_opener()
    pixels = smooth()
    picture = read(saved(Image.fromarray(pixels), "HEIF", quality=95, exif=turned_exif(6).tobytes()))
    assert np.abs(picture.rgb * 255 - TURNS[6](pixels)).mean() < 3


def test_grey_and_bilevel() -> None:
    grey = COLORS[..., 0]
    assert np.array_equal(read(saved(Image.fromarray(grey), "PNG")).rgb, np.dstack([grey] * 3).astype(np.float32) / 255)
    bits = Image.fromarray(grey).convert("1", dither=Image.Dither.NONE)
    assert np.array_equal(read(saved(bits, "PNG")).rgb[..., 1], (grey >= 128).astype(np.float32))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_alpha_stays_apart(kind: str) -> None:
    rgba = np.dstack([COLORS, np.arange(35, dtype=np.uint8).reshape(5, 7) * 7])
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    picture = read(saved(Image.fromarray(rgba), kind, **options))
    assert np.array_equal(to_uint8(picture.rgb), np.where(rgba[..., 3:] > 0, COLORS, 255))
    assert picture.alpha is not None and np.array_equal(to_uint8(picture.alpha), rgba[..., 3])


def test_opaque_alpha_is_none() -> None:
    assert read(saved(Image.fromarray(np.dstack([COLORS, np.full((5, 7), 255, np.uint8)])), "PNG")).alpha is None


def test_grey_with_alpha_and_grey_with_a_transparent_value() -> None:
    grey, alpha = COLORS[..., 0], COLORS[..., 1]
    picture = read(saved(Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha))), "PNG"))
    assert picture.alpha is not None and np.array_equal(to_uint8(picture.alpha), alpha)
    assert np.array_equal(to_uint8(picture.rgb)[..., 2], np.where(alpha > 0, grey, 255))
    keyed = read(saved(Image.fromarray(grey), "PNG", transparency=int(grey[0, 0])))
    assert keyed.alpha is not None and np.array_equal(keyed.alpha, (grey != grey[0, 0]).astype(np.float32))


def test_palette_with_transparency() -> None:
    index = np.arange(12, dtype=np.uint8).reshape(3, 4) % 4
    image = Image.frombytes("P", (4, 3), index.tobytes())
    table = [255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30]
    image.putpalette(table)
    colors = np.array(table, np.uint8).reshape(4, 3)[index]
    for kind, key, levels in (("PNG", bytes([0, 85, 170, 255]), [0, 85, 170, 255]), ("GIF", 2, [255, 255, 0, 255])):
        picture = read(saved(image, kind, transparency=key))
        assert np.array_equal(to_uint8(picture.rgb), np.where(np.array(levels)[index][..., None] > 0, colors, 255))
        assert picture.alpha is not None and np.array_equal(to_uint8(picture.alpha), np.array(levels)[index])
    assert read(saved(image, "PNG")).alpha is None


def test_cmyk_tiff_and_jpeg() -> None:
    cmyk = np.zeros((16, 16, 4), np.uint8)
    cmyk[:, :8] = (0, 255, 255, 0)  # red
    cmyk[:, 8:] = (0, 0, 0, 102)  # 60 % grey
    image = Image.frombytes("CMYK", (16, 16), cmyk.tobytes())
    for blob in (saved(image, "TIFF"), saved(image, "JPEG", quality=95)):
        rgb = read(blob).rgb * 255
        assert np.abs(rgb[:, :7] - (255, 0, 0)).max() < 3
        assert np.abs(rgb[:, 9:] - 153).max() < 3


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_of_16_bits(channels: int, interlaced: bool) -> None:
    samples = DEEP[..., :channels]
    picture = read(naive_png(samples, interlaced=interlaced))
    colors = samples[..., : channels - (channels % 2 == 0)]
    assert picture.bits == 16
    assert np.abs(picture.rgb - colors / 65535).max() < 1 / 60000
    if channels % 2:
        assert picture.alpha is None
    else:
        assert picture.alpha is not None and np.abs(picture.alpha - samples[..., -1] / 65535).max() < 1 / 60000


def test_png_of_16_bits_with_one_transparent_color() -> None:
    key = DEEP[2, 3, :3]
    data = b"tRNS" + key.astype(">u2").tobytes()
    chunk = struct.pack(">I", 6) + data + struct.pack(">I", zlib.crc32(data))
    picture = read(naive_png(DEEP[..., :3], extra=chunk))
    expected = np.ones((5, 7), np.float32)
    expected[2, 3] = 0
    assert picture.alpha is not None and np.array_equal(picture.alpha, expected)
    square = read_square(io.BytesIO(naive_png(DEEP[:5, :5, :3], extra=chunk)), 5, "x")
    assert np.array_equal(square[2, 3], (255, 255, 255))
    assert np.abs(square[0, 0] - DEEP[0, 0, :3] / 257).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    "options", [{}, {"compression": "zlib"}, {"byteorder": ">"}, {"planarconfig": "separate"}, {"bigtiff": True}]
)
def test_tiff_of_16_bits(options: dict[str, Any]) -> None:
    color = DEEP[..., :3]
    stored = np.moveaxis(color, 2, 0) if "planarconfig" in options else color
    picture = read(tiff(stored, photometric="rgb", **options))
    assert picture.bits == 16 and np.abs(picture.rgb - color / 65535).max() < 1 / 60000


def test_tiff_of_16_bits_in_a_compression_that_only_libtiff_knows(tmp_path: Path) -> None:
    # The bytes of 16-bit samples, written as eight-bit samples of a picture twice as wide, then relabelled.
    color = np.ascontiguousarray(DEEP[..., :3])
    twice = color.view(np.uint8).reshape(5, 14, 3)
    path = tmp_path / "lzw.tif"
    Image.fromarray(twice).save(path, compression="tiff_lzw")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["ImageWidth"].overwrite(7)
        file.pages.first.tags["BitsPerSample"].overwrite((16, 16, 16))
    picture = read_picture(path)
    assert picture.bits == 16 and np.abs(picture.rgb - color / 65535).max() < 1 / 60000


def test_tiff_alpha_straight_and_premultiplied() -> None:
    color, alpha = DEEP[..., :3], np.maximum(DEEP[..., 3], 20000)
    straight = read(tiff(np.dstack([color, alpha]), photometric="rgb", extrasamples=["unassalpha"]))
    assert straight.alpha is not None and np.abs(straight.alpha - alpha / 65535).max() < 1 / 60000
    assert np.abs(straight.rgb - color / 65535).max() < 1 / 60000
    multiplied = np.round(color * (alpha[..., None] / 65535)).astype(np.uint16)
    picture = read(tiff(np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"]))
    assert np.abs(picture.rgb - color / 65535).max() < 4 / 65535


def test_tiff_numbers() -> None:
    grey = DEEP[..., 0]
    unit = grey / 65535
    flipped = read(tiff(65535 - grey, photometric="miniswhite"))
    floats = read(tiff(unit.astype(np.float32), photometric="minisblack"))
    for picture in (read(tiff(grey)), flipped, floats):
        assert picture.bits == 16 and np.abs(picture.rgb[..., 1] - unit).max() < 1 / 60000
    elevation = np.linspace(-100, 3000, 35, dtype=np.float32).reshape(5, 7)
    elevation[0, 1] = np.nan
    stretched = read(tiff(elevation, photometric="minisblack")).rgb[..., 0]
    assert stretched[0, 0] == 0 and stretched[0, 1] == 0 and stretched[-1, -1] == 1
    assert abs(stretched[2, 3] - 0.5) < 1e-6


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint32, np.int32, np.float16, np.float64])
def test_numbers_beyond_their_usual_range_are_stretched(dtype: type) -> None:
    values = np.array([[-100, 0, 100]] if dtype != np.uint32 else [[1000, 500_000, 999_000]]).astype(dtype)
    assert np.allclose(read(tiff(values, photometric="minisblack")).rgb[0, :, 0], [0, 0.5, 1], atol=1e-6)
    constant = np.full((2, 2), 70_000 if dtype in (np.uint32, np.int32) else -1).astype(dtype)
    assert np.array_equal(read(tiff(constant, photometric="minisblack")).rgb, np.zeros((2, 2, 3)))


def test_pgm_of_16_bits() -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    picture = read(b"P5 4 1 65535\n" + values.astype(">u2").tobytes())
    assert picture.bits == 16 and np.abs(picture.rgb[0, :, 0] - values[0] / 65535).max() < 1 / 60000


def test_first_picture_of_a_stereo_pair() -> None:
    pair = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    assert np.abs(read(saved(pair[0], "MPO", save_all=True, append_images=pair[1:])).rgb - (1, 0, 0)).max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_of_many_bands_and_pages(dtype: type) -> None:
    bands = RANDOM.integers(0, 256, (5, 7, 6)).astype(dtype)
    picture = read(tiff(bands, photometric="minisblack", planarconfig="contig"))
    assert np.abs(picture.rgb - bands[..., :3] / np.iinfo(dtype).max).max() < 1 / 60000
    pages = RANDOM.integers(0, 256, (3, 5, 7, 3)).astype(dtype)
    first = read(tiff(pages, photometric="rgb"))
    assert np.abs(first.rgb - pages[0] / np.iinfo(dtype).max).max() < 1 / 60000


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    blob = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert np.abs(read(blob).rgb - (1, 0, 0)).max() < 0.03


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_one_pixel_wide(size: tuple[int, int]) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        assert read(saved(Image.new("RGB", size, "white"), kind)).rgb.shape == (size[1], size[0], 3)


def test_identity_of_the_source(tmp_path: Path) -> None:
    blob = saved(Image.fromarray(COLORS), "PNG")
    path = tmp_path / "a picture.jpeg"
    path.write_bytes(blob)
    for source in (path, str(path)):
        picture = read_picture(source)
        assert picture.name == "a picture.jpeg" and picture.sha256 == hashlib.sha256(blob).hexdigest()
    assert read_picture(io.BytesIO(blob), name="given").name == "given"


def test_a_corrupt_exif_block_is_ignored() -> None:
    blob = saved(Image.fromarray(smooth()), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0" * 5)
    assert read(blob).rgb.shape == (32, 48, 3)


def test_rounding_and_clipping() -> None:
    values = np.array([-1.0, 0.0, 0.4999 / 255, 0.5001 / 255, 1.0, 2.0, np.nan, np.inf], np.float32)
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 255, 255, 0, 255]
