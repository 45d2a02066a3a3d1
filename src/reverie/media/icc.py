"""Colors of any ICC profile to sRGB: eight bits through LittleCMS, deeper ones through the profile's own numbers.

A matrix profile says: linear = curve(value) per channel, XYZ (D50) = matrix · linear. sRGB is the same read backwards.
Source: ICC.1:2022, sections 10.6 (curveType), 10.18 (parametricCurveType) and F.3 (matrix/TRC model).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

Curve = Callable[[np.ndarray], np.ndarray]

MODE_OF_SPACE = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
# Linear sRGB to XYZ, Bradford-adapted to D50 (IEC 61966-2-1; numbers as tabulated by B. Lindbloom).
SRGB_TO_XYZ_D50 = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
A_LEVEL = 1 / 255  # roundings in the matrices of real sRGB profiles reach 0.64 of it, next to black
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class MatrixProfile:
    """Curves to linear light and, for RGB, the 3 x 3 matrix from there to linear sRGB."""

    curves: tuple[Curve, ...]
    to_linear_srgb: np.ndarray | None

    def to_srgb(self, color: np.ndarray) -> np.ndarray:
        """Convert ``[H, W, C]`` in [0, 1] to sRGB, clipped to its gamut; float32."""
        out = np.empty(color.shape, np.float32)
        for top in range(0, len(color), ROWS_AT_ONCE):
            block = color[top : top + ROWS_AT_ONCE].astype(np.float64)
            linear = np.stack([curve(block[..., i]) for i, curve in enumerate(self.curves)], axis=-1)
            if self.to_linear_srgb is not None:
                linear = linear @ self.to_linear_srgb.T
            out[top : top + ROWS_AT_ONCE] = _encode_srgb(linear)
        return out


def image_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an opaque picture of mode RGB, L, CMYK or LAB as sRGB of mode RGB.

    A profile that is broken or belongs to another kind of picture is ignored, as viewers do.
    """
    if image.mode == "L" and profile and profile[16:20] == b"RGB ":
        image = image.convert("RGB")
    transform = None
    if image.mode == "LAB" or (profile and MODE_OF_SPACE.get(profile[16:20]) == image.mode):
        transform = _transform(profile or b"", image.mode)
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return transform.apply(image)


def samples_to_srgb(color: np.ndarray, profile: bytes | None) -> np.ndarray | None:
    """Return ``[H, W, 1 or 3]`` samples of [0, 1] as sRGB, or None if the profile needs more than a matrix."""
    if not profile or MODE_OF_SPACE.get(profile[16:20]) != ("RGB" if color.shape[2] == 3 else "L"):
        return color
    matrix = matrix_profile(profile)
    if matrix is None:
        return None
    return color if is_srgb(profile) else matrix.to_srgb(color)


@lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Return whether a profile changes no color by a level of eight bits or more."""
    matrix = matrix_profile(profile)
    if matrix is None or len(matrix.curves) != 3:
        return False
    steps = np.linspace(0, 1, 9)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return bool(np.abs(matrix.to_srgb(grid) - grid).max() < A_LEVEL)


@lru_cache(maxsize=32)
def matrix_profile(profile: bytes) -> MatrixProfile | None:
    """Read the curves and the matrix of a profile; None if it has none or is broken."""
    try:
        tags = _tags(profile)
        if profile[16:20] == b"GRAY":
            return MatrixProfile((_curve(tags[b"kTRC"]),), None)
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
        columns = [_fixed(tags[name][8:20]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    except (KeyError, ValueError, IndexError, ZeroDivisionError, struct.error):
        return None
    return MatrixProfile(curves, np.linalg.inv(SRGB_TO_XYZ_D50) @ np.array(columns).T)


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the LittleCMS transform, or None where there is nothing to do or the profile cannot be used."""
    if mode == "RGB" and is_srgb(profile):
        return None
    try:
        source = ImageCms.createProfile("LAB") if mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.ImageCmsTransform(
            ImageCms.ImageCmsProfile(source) if mode == "LAB" else source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if profile[36:40] != b"acsp" or profile[20:24] != b"XYZ ":
        raise ValueError("not a profile with XYZ connection space")
    (count,) = struct.unpack_from(">I", profile, 128)
    found = {}
    for index in range(min(count, 100)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        found[name] = profile[offset : offset + size]
    return found


def _fixed(data: bytes) -> list[float]:
    """Return numbers stored as s15Fixed16."""
    return [value / 65536 for value in struct.unpack(f">{len(data) // 4}i", data)]


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        return _parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError("unknown kind of curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return lambda x: x
    values = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        return lambda x: x ** (values[0] / 256)
    return lambda x: np.interp(x, np.linspace(0, 1, count), values / 65535)


def _parametric(tag: bytes) -> Curve:
    """Return (a·x + b)^g + e from x = d upwards and c·x + f below, the form that contains the five kinds."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    count = (1, 3, 4, 5, 7)[kind]
    p = _fixed(tag[12 : 12 + 4 * count])
    g, a, b, c, d, e, f = {
        0: lambda: (p[0], 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        1: lambda: (p[0], p[1], p[2], 0.0, -p[2] / p[1], 0.0, 0.0),
        2: lambda: (p[0], p[1], p[2], 0.0, -p[2] / p[1], p[3], p[3]),
        3: lambda: (p[0], p[1], p[2], p[3], p[4], 0.0, 0.0),
        4: lambda: (p[0], p[1], p[2], p[3], p[4], p[5], p[6]),
    }[kind]()
    return lambda x: np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, c * x + f)


def _encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Apply the sRGB transfer function (IEC 61966-2-1)."""
    x = np.clip(linear, 0.0, 1.0)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
