"""One picture from many tiles."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from reverie.data.net.client import Client, FetchError, RefusedError
from reverie.data.tiles.cache import TileCache
from reverie.data.tiles.mercator import TILE_PX, Window, world_px
from reverie.data.tiles.provider import Provider
from reverie.errors import OfflineError, PictureError
from reverie.media.source import open_picture, reading

MISSING = 128  # gray where a tile is not there
MOST_PIXELS = 1024 * 1024  # of a tile
EQUAL_FRACTION = 0.25  # of the tiles that are one and the same, from which it is probably "no imagery here"


@dataclass
class Mosaic:
    """A picture that fills with tiles; `rgb` is ``[H, W, 3]`` uint8."""

    window: Window
    rgb: np.ndarray = field(init=False)
    missing: int = 0
    digests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rgb = np.full((self.window.height, self.window.width, 3), MISSING, np.uint8)

    def fill(self, provider: Provider, cache: TileCache, client: Client, pause_s: float) -> Iterator[tuple[int, int]]:
        """Fetch all tiles, yielding (done, total).

        Raises:
            OfflineError: not one tile is there.
        """
        side = provider.side_px
        zoom = self.window.zoom - (side // TILE_PX).bit_length() + 1
        around = world_px(self.window.zoom) // side
        tiles = self.window.tiles(side)
        why = ""
        for number, (column, row) in enumerate(tiles, start=1):
            inside = column % around
            try:
                blob = cache.fresh(zoom, inside, row)
                if blob is None:
                    blob = cache.fetch(client, provider.url(inside, row, zoom), zoom, inside, row, pause_s)
                self._paste(decoded(blob, side), column * side, row * side)
                self.digests.append(hashlib.sha256(blob).hexdigest())
            except (FetchError, RefusedError, PictureError) as error:
                self.missing, why = self.missing + 1, str(error)
            yield number, len(tiles)
        if self.missing == len(tiles):
            raise OfflineError(f"no tile of {provider.name} could be fetched: {why}")

    def notes(self) -> list[str]:
        """Return what a user should know of the tiles."""
        notes = [f"{self.missing} tiles are missing and gray"] if self.missing else []
        most = max((self.digests.count(d) for d in set(self.digests)), default=0)
        if most > 1 and most >= EQUAL_FRACTION * len(self.digests):
            notes.append(f"{most} of {len(self.digests)} tiles are the same: open water, or no imagery at this zoom")
        return notes

    def _paste(self, tile: np.ndarray, left: int, top: int) -> None:
        x, y = left - self.window.left, top - self.window.top
        height, width = self.rgb.shape[:2]
        x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + tile.shape[1]), min(height, y + tile.shape[0])
        self.rgb[y0:y1, x0:x1] = tile[y0 - y : y1 - y, x0 - x : x1 - x]


def decoded(blob: bytes, side: int) -> np.ndarray:
    """Return a tile ``[side, side, 3]`` uint8; transparent parts are white.

    Raises:
        PictureError: no picture, or a broken one.
    """
    with reading("a tile"):
        image = open_picture(io.BytesIO(blob), "a tile", MOST_PIXELS)
        layer = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
        return np.asarray(flat if flat.size == (side, side) else flat.resize((side, side), Image.Resampling.LANCZOS))
