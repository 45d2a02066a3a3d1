"""Many pictures on one sheet, with captions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reverie.errors import InputError

BACKGROUND = (24, 24, 24)
INK = (214, 214, 214)
CAPTION_SHARE = 0.09  # of a tile's side; 12 px at the smallest, below which the built-in font is unreadable
SMALLEST_TEXT_PX, LARGEST_TEXT_PX = 12, 22


def contact_sheet(
    tiles: Sequence[np.ndarray],
    *,
    columns: int,
    tile_px: int,
    captions: Sequence[str] = (),
    title: str = "",
    pad: int = 6,
) -> np.ndarray:
    """Return one ``[H, W, 3]`` uint8 picture of all tiles, row by row, on a dark neutral ground.

    Each tile, ``[h, w, 3]`` uint8, is fitted whole into a square of `tile_px`. A caption too wide ends in an ellipsis.

    Raises:
        InputError: no tiles, a number out of range, an unfit tile, or not one caption per tile.
    """
    _check(tiles, captions, columns, tile_px, pad)
    text_px = round(min(max(tile_px * CAPTION_SHARE, SMALLEST_TEXT_PX), LARGEST_TEXT_PX))
    line_px = round(1.4 * text_px) if captions else 0
    head_px = round(2.2 * text_px) if title else 0
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step_x, step_y = tile_px + pad, tile_px + line_px + pad
    sheet = Image.new("RGB", (pad + columns * step_x, pad + head_px + rows * step_y), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    if title:
        _write(draw, title, (pad, pad), round(1.4 * text_px), sheet.width - 2 * pad)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left, top = pad + column * step_x, pad + head_px + row * step_y
        _paste(sheet, tile, left, top, tile_px)
        if captions:
            _write(draw, captions[index], (left, top + tile_px + 2), text_px, tile_px)
    return np.array(sheet)


def _check(tiles: Sequence[np.ndarray], captions: Sequence[str], columns: int, tile_px: int, pad: int) -> None:
    if not tiles or columns < 1 or tile_px < 1 or pad < 0:
        raise InputError(
            f"a sheet of {len(tiles)} tiles in {columns} columns of {tile_px} px, {pad} px apart, is not possible"
        )
    if captions and len(captions) != len(tiles):
        raise InputError(f"{len(captions)} captions for {len(tiles)} tiles; expected one each, or none")
    for tile in tiles:
        if tile.dtype != np.uint8 or tile.ndim != 3 or tile.shape[2] != 3 or 0 in tile.shape:
            raise InputError(f"a tile is {tile.dtype} of shape {tile.shape}; expected uint8 [height, width, 3]")


def _paste(sheet: Image.Image, tile: np.ndarray, left: int, top: int, tile_px: int) -> None:
    """Fit a tile into its square, centered; a tile of exactly that size keeps its pixels."""
    height, width = tile.shape[:2]
    scale = tile_px / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    image = Image.fromarray(np.ascontiguousarray(tile))
    if size != (width, height):
        image = image.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(image, (left + (tile_px - size[0]) // 2, top + (tile_px - size[1]) // 2))


def _write(draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], size_px: int, width_px: int) -> None:
    font = ImageFont.load_default(size_px)
    line = " ".join(text.split())
    if draw.textlength(line, font=font) > width_px:
        while line and draw.textlength(line + "…", font=font) > width_px:
            line = line[:-1]
        line = line.rstrip() + "…"
    draw.text(at, line, fill=INK, font=font)
