"""Sheets: where tiles lie, and that captions stay in their column."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.errors import InputError
from reverie.media.sheet import BACKGROUND, contact_sheet


def flat(height: int, width: int, color: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def test_geometry_and_exact_pixels() -> None:
    random = np.random.default_rng(8)
    tiles = [random.integers(0, 256, (20, 20, 3), dtype=np.uint8) for _ in range(5)]
    sheet = contact_sheet(tiles, columns=3, tile_px=20, pad=4)
    assert sheet.dtype == np.uint8 and sheet.shape == (4 + 2 * 24, 4 + 3 * 24, 3)
    for index, tile in enumerate(tiles):
        top, left = 4 + 24 * (index // 3), 4 + 24 * (index % 3)
        assert np.array_equal(sheet[top : top + 20, left : left + 20], tile)
    assert (sheet[28:48, 52:72] == BACKGROUND).all()


def test_letterbox() -> None:
    sheet = contact_sheet([flat(10, 40, (255, 0, 0))], columns=4, tile_px=40, pad=0)
    assert sheet.shape == (40, 40, 3)
    assert (sheet[15:25] == (255, 0, 0)).all() and (sheet[:15] == BACKGROUND).all() and (sheet[25:] == BACKGROUND).all()


def test_captions_and_title_draw_inside_their_place() -> None:
    tiles = [flat(64, 64, (0, 0, 0))] * 2
    plain = contact_sheet(tiles, columns=2, tile_px=64)
    captions = ["W" * 80, ""]
    sheet = contact_sheet(tiles, columns=2, tile_px=64, captions=captions, title="worst mistakes")
    assert sheet.shape[0] > plain.shape[0] and sheet.shape[1] == plain.shape[1]
    strip = (sheet[-20:] != BACKGROUND).any(axis=(0, 2))
    assert strip[6:70].any() and not strip[70:].any()
    assert (sheet[:26] > 150).any()
    assert np.array_equal(sheet, contact_sheet(tiles, columns=2, tile_px=64, captions=captions, title="worst mistakes"))


def test_refusals() -> None:
    tile = flat(4, 4, (1, 2, 3))
    for tiles, options in (
        ([], {}),
        ([tile], {"columns": 0}),
        ([tile], {"captions": ["a", "b"]}),
        ([tile.astype(np.float32)], {}),
        ([tile[..., 0]], {}),
    ):
        with pytest.raises(InputError):
            contact_sheet(tiles, **{"columns": 1, "tile_px": 8, **options})
