"""Web Mercator: longitude and latitude to pixels of the world at a zoom, and to metres of EPSG:3857.

x = (lon + 180) / 360 * 256 * 2^z,   y = (1 - asinh(tan lat) / pi) / 2 * 256 * 2^z
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from reverie.errors import InputError

TILE_PX = 256
MOST_LAT = 85.05112877980659  # atan(sinh(pi)): where the square world ends
HALF_M = 20037508.342789244  # half the world's width in EPSG:3857: pi * 6378137


@dataclass(frozen=True)
class Window:
    """A rectangle of the world at a zoom, in pixels; `left` may be negative or beyond the world: it wraps round."""

    zoom: int
    left: int
    top: int
    width: int
    height: int

    @property
    def pixel_m(self) -> float:
        """Side of a pixel in metres of EPSG:3857."""
        return 2 * HALF_M / world_px(self.zoom)

    @property
    def left_m(self) -> float:
        """Of the upper left corner."""
        return self.left * self.pixel_m - HALF_M

    @property
    def top_m(self) -> float:
        """Of the upper left corner."""
        return HALF_M - self.top * self.pixel_m

    def tiles(self, side_px: int = TILE_PX) -> list[tuple[int, int]]:
        """Return column and row of all tiles of that side which it touches; columns may lie beyond the world."""
        columns = range(self.left // side_px, -(-(self.left + self.width) // side_px))
        rows = range(self.top // side_px, -(-(self.top + self.height) // side_px))
        return [(column, row) for row in rows for column in columns]

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north in degrees."""
        west, north = degrees(self.left, self.top, self.zoom)
        east, south = degrees(self.left + self.width, self.top + self.height, self.zoom)
        return west, south, east, north


def world_px(zoom: int) -> int:
    """Return the side of the world in pixels."""
    return TILE_PX << zoom


def pixels(lon: float, lat: float, zoom: int) -> tuple[float, float]:
    """Return where a place lies, in pixels from the upper left corner of the world.

    Raises:
        InputError: beyond the poles of the map, or no number.
    """
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise InputError("a place is a latitude and a longitude in degrees, such as 48.8584 2.2945")
    if abs(lat) > MOST_LAT:
        raise InputError(f"latitude {lat:g} is off the map: it reaches from -85.0511 to 85.0511 degrees")
    if abs(lon) > 360:
        raise InputError(f"longitude {lon:g} is none: expected -180 to 180 degrees")
    side = world_px(zoom)
    x = (lon + 180) / 360 * side
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    return x, min(max(y, 0.0), float(side))


def degrees(x: float, y: float, zoom: int) -> tuple[float, float]:
    """Return longitude and latitude of a pixel."""
    side = world_px(zoom)
    lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / side))))
    return x / side * 360 - 180, lat


def around(lat: float, lon: float, zoom: int, size: tuple[int, int]) -> Window:
    """Return the window of (width, height) pixels around a place; what is beyond the poles is cut off."""
    x, y = pixels(lon, lat, zoom)
    return _fitted(zoom, round(x - size[0] / 2), round(y - size[1] / 2), size[0], size[1])


def between(west: float, south: float, east: float, north: float, zoom: int) -> Window:
    """Return the window of a box of degrees; where `west` is greater than `east` it crosses the antimeridian.

    Raises:
        InputError: an empty box.
    """
    if south >= north:
        raise InputError(f"a box is west,south,east,north in degrees; south {south:g} is not below north {north:g}")
    if west == east:
        raise InputError("a box is west,south,east,north in degrees; west and east are the same")
    left, top = pixels(west, north, zoom)
    right, bottom = pixels(east if east > west else east + 360, south, zoom)
    return _fitted(zoom, math.floor(left), math.floor(top), math.ceil(right - left), math.ceil(bottom - top))


def _fitted(zoom: int, left: int, top: int, width: int, height: int) -> Window:
    side = world_px(zoom)
    bottom, top = min(side, top + height), max(0, top)
    if width > side:
        left, width = left + (width - side) // 2, side
    return Window(zoom, left, top, max(1, width), max(1, bottom - top))
