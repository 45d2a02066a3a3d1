"""Sheets: where tiles lie, and that captions stay in their column."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.errors import InputError
from reverie.media.sheet import BACKGROUND, contact_sheet, without_common


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


def test_rows_have_the_shape_of_their_pictures() -> None:
    sheet = contact_sheet([flat(10, 40, (255, 0, 0))], columns=4, tile_px=40, pad=0)
    assert sheet.shape == (10, 40, 3)
    assert (sheet == (255, 0, 0)).all()
    mixed = contact_sheet([flat(10, 40, (255, 0, 0)), flat(30, 40, (0, 255, 0))], columns=2, tile_px=40, pad=0)
    assert mixed.shape == (30, 80, 3)
    assert (mixed[10:20, :40] == (255, 0, 0)).all() and (mixed[:10, :40] == BACKGROUND).all()


def test_captions_lose_what_all_have_and_are_wrapped_not_cut() -> None:
    captions = ["starry night + klee, strength 0.3, size 512", "starry night + klee, strength 0.5, size 512"]
    assert without_common(captions) == ["strength 0.3", "strength 0.5"]
    assert without_common(["same", "same"]) == ["same", "same"]
    tiles = [flat(64, 64, (0, 0, 0))] * 2
    short = contact_sheet(tiles, columns=2, tile_px=64, captions=["a", "b"])
    long = contact_sheet(tiles, columns=2, tile_px=64, captions=["layer2.0.conv1 of the network", "b"])
    assert long.shape[0] >= short.shape[0] + 2 * 15  # three lines in place of one
    assert ((long != BACKGROUND).any(axis=2)).sum() > ((short != BACKGROUND).any(axis=2)).sum() + 200


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
