"""GeoTIFF: a picture that says where on earth it lies, in Web Mercator (EPSG:3857).

Source: OGC GeoTIFF 1.1 (19-008r4): ModelPixelScale, ModelTiepoint, GeoKeyDirectory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from reverie.media.metadata import ascii_only, enclosed, settings_text

PIXEL_SCALE, TIEPOINT, GEO_KEYS, COPYRIGHT = 33550, 33922, 34735, 33432
SHORT, DOUBLE, ASCII = 3, 12, 2
KEYS = (
    (1, 1, 0, 4),  # version, revision, minor revision, number of keys
    (1024, 0, 1, 1),  # GTModelType: projected
    (1025, 0, 1, 1),  # GTRasterType: a pixel is an area
    (3072, 0, 1, 3857),  # ProjectedCRS
    (3076, 0, 1, 9001),  # its unit: metre
)


def encode_geotiff(
    rgb: np.ndarray, left_m: float, top_m: float, pixel_m: float, *, attribution: str = "",
    settings: Mapping[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """Return ``[H, W, 3]`` uint8 as the bytes of a GeoTIFF.

    Args:
        rgb: the picture, north up.
        left_m: of its upper left corner, in metres of EPSG:3857.
        top_m: of the same corner.
        pixel_m: side of a pixel, in the same metres.
        attribution: goes into the tag for copyright.
        settings: go into the description, as in every TIFF of ours.
    """
    import tifffile

    tags: list[tuple[Any, ...]] = [
        (PIXEL_SCALE, DOUBLE, 3, (pixel_m, pixel_m, 0.0), True),
        (TIEPOINT, DOUBLE, 6, (0.0, 0.0, 0.0, left_m, top_m, 0.0), True),
        (GEO_KEYS, SHORT, 4 * len(KEYS), tuple(number for key in KEYS for number in key), True),
    ]
    if attribution:
        text = attribution.encode("ascii", "replace").decode()
        tags.append((COPYRIGHT, ASCII, len(text) + 1, text, True))
    out = io.BytesIO()
    tifffile.imwrite(
        out, np.ascontiguousarray(rgb), photometric="rgb", compression="zlib", predictor=True,
        description=None if settings is None else enclosed(ascii_only(settings_text(settings))), metadata=None,
        software="Reverie", extratags=tags,
    )  # fmt: skip
    return out.getvalue()
