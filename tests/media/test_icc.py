"""Profiles: against LittleCMS, and against the primaries they are made of."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from reverie.media.icc import image_to_srgb, is_srgb, matrix_profile
from reverie.media.image import read_picture, read_square
from reverie.media.png16 import encode_png16

# Display P3 and sRGB primaries adapted to D50, columns red, green, blue.
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


SRGB_CURVE = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def gamma_curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)


def table_curve(gamma: float, count: int = 1024) -> bytes:
    values = np.round(np.linspace(0, 1, count) ** gamma * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", count) + values.tobytes()


def profile(space: bytes, curve: bytes, columns: tuple[tuple[float, ...], ...] = ()) -> bytes:
    """Build a minimal ICC version 2 display profile."""
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(79)}
    tags[b"cprt"] = b"text\0\0\0\0free\0\0\0\0"
    tags[b"wtpt"] = b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.82491)
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    for name, column in zip(b"rgb", columns, strict=False):
        tags[bytes([name]) + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*column)
        tags[bytes([name]) + b"TRC"] = curve
    offset, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    version = 0x04200000 if curve.startswith(b"para") else 0x02100000
    header = struct.pack(">I4sI4s4s4s", offset + len(body), b"lcms", version, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.82491)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


PROFILES = {
    "Display P3": profile(b"RGB ", SRGB_CURVE, P3),
    "gamma 1.8": profile(b"RGB ", gamma_curve(1.8), SRGB),
    "table": profile(b"RGB ", table_curve(2.6), P3),
}


@pytest.mark.parametrize("name", PROFILES)
def test_own_numbers_agree_with_littlecms(name: str) -> None:
    steps = np.linspace(0, 255, 12).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(12, 144, 3)
    matrix = matrix_profile(PROFILES[name])
    assert matrix is not None
    reference = np.asarray(image_to_srgb(Image.fromarray(grid), PROFILES[name]))
    # LittleCMS works in eight bits here, so up to two levels may differ in the shadows.
    assert np.abs(matrix.to_srgb(grid / 255) * 255 - reference).max() < 2.1


def test_display_p3_closed_form() -> None:
    """The red of sRGB is (0.9175, 0.2003, 0.1387) in Display P3 (CSS Color 4, conversion of `red`)."""
    matrix = matrix_profile(PROFILES["Display P3"])
    assert matrix is not None
    red = matrix.to_srgb(np.array([[[0.91749, 0.20029, 0.13856]]]))
    assert np.abs(red - (1, 0, 0)).max() < 0.012
    grey = matrix.to_srgb(np.full((1, 1, 3), 0.5))
    assert np.abs(grey - 0.5).max() < 1e-3


def test_sixteen_bits_keep_their_precision_through_a_profile() -> None:
    ramp = np.repeat(np.arange(0, 65536, 13, dtype=np.uint16)[None, :, None], 3, axis=2)
    blob = with_profile(encode_png16(ramp, {}), PROFILES["gamma 1.8"])
    picture = read_picture(io.BytesIO(blob))
    linear = (ramp / 65535) ** (round(1.8 * 256) / 256)
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert picture.bits == 16 and np.abs(picture.rgb - expected).max() < 2e-4
    assert len(np.unique(picture.rgb[..., 0])) > 5000


def with_profile(png: bytes, icc: bytes) -> bytes:
    data = b"iCCP" + b"test\0\0" + zlib.compress(icc)
    return png[:33] + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data)) + png[33:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_profiles_are_applied_in_every_format(kind: str) -> None:
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    out = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind != "PNG" else {}
    image.save(out, kind, icc_profile=PROFILES["Display P3"], **options)
    matrix = matrix_profile(PROFILES["Display P3"])
    assert matrix is not None
    expected = matrix.to_srgb(np.array([[[200, 100, 50]]]) / 255)
    assert abs(expected[0, 0, 0] - 200 / 255) > 0.05  # more saturated in the smaller space
    assert np.abs(read_picture(io.BytesIO(out.getvalue())).rgb - expected).max() < 0.02
    assert np.abs(read_square(io.BytesIO(out.getvalue()), 16, "x") / 255 - expected).max() < 0.02


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_profile(dtype: type) -> None:
    top = np.iinfo(dtype).max
    image = Image.fromarray(np.full((4, 4), top // 2, dtype))
    out = io.BytesIO()
    image.save(out, "PNG", icc_profile=profile(b"GRAY", gamma_curve(1.0)))
    expected = 1.055 * 0.5 ** (1 / 2.4) - 0.055
    assert np.abs(read_picture(io.BytesIO(out.getvalue())).rgb - expected).max() < 0.005


def test_grey_picture_with_a_color_profile() -> None:
    for dtype in (np.uint8, np.uint16):
        out = io.BytesIO()
        image = Image.fromarray(np.full((4, 4), np.iinfo(dtype).max // 2, dtype))
        image.save(out, "PNG", icc_profile=PROFILES["gamma 1.8"])
        linear = 0.5**1.8
        expected = 1.055 * linear ** (1 / 2.4) - 0.055
        assert np.abs(read_picture(io.BytesIO(out.getvalue())).rgb - expected).max() < 0.01


def test_srgb_is_recognized_and_leaves_pixels_alone() -> None:
    littlecms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert is_srgb(littlecms) and is_srgb(profile(b"RGB ", SRGB_CURVE, SRGB))
    assert not any(is_srgb(p) for p in PROFILES.values())
    pixels = np.random.default_rng(4).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(image_to_srgb(Image.fromarray(pixels), littlecms)), pixels)


def test_bad_profiles_are_ignored() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    good = PROFILES["Display P3"]
    for bad in (b"\0", b"nonsense" * 40, good[:200], good[:128], profile(b"CMYK", gamma_curve(1), ()), good[:300]):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", icc_profile=bad)
        assert read_picture(io.BytesIO(out.getvalue())).rgb.shape == (9, 9, 3)
