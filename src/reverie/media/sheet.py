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

    Each tile, ``[h, w, 3]`` uint8, is fitted into a square of `tile_px`; rows are as high as the highest of them needs.
    A caption too wide goes on in the next line, and what is common to the beginnings of all is left out.

    Raises:
        InputError: no tiles, a number out of range, an unfit tile, or not one caption per tile.
    """
    _check(tiles, captions, columns, tile_px, pad)
    text_px = round(min(max(tile_px * CAPTION_SHARE, SMALLEST_TEXT_PX), LARGEST_TEXT_PX))
    font = ImageFont.load_default(text_px)
    written = [_wrapped(caption, font, tile_px) for caption in without_common(captions)]
    row_px = round(1.25 * text_px)
    line_px = round(0.15 * text_px) + row_px * max(map(len, written), default=1) if captions else 0
    high_px = max(_fitted(tile, tile_px)[1] for tile in tiles)
    head_px = round(2.2 * text_px) if title else 0
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step_x, step_y = tile_px + pad, high_px + line_px + pad
    sheet = Image.new("RGB", (pad + columns * step_x, pad + head_px + rows * step_y), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    if title:
        _write(draw, title, (pad, pad), round(1.4 * text_px), sheet.width - 2 * pad)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left, top = pad + column * step_x, pad + head_px + row * step_y
        _paste(sheet, tile, left, top, tile_px, high_px)
        for number, line in enumerate(written[index] if captions else ()):
            draw.text((left, top + high_px + 2 + number * row_px), line, fill=INK, font=font)
    return np.array(sheet)


def without_common(captions: Sequence[str]) -> list[str]:
    """Return captions without the parts, between commas, that all of them have."""
    parts = [[part.strip() for part in caption.split(",")] for caption in captions]
    common = set(parts[0]).intersection(*parts) if len(parts) > 1 else set()
    return [", ".join(part for part in own if part not in common) or whole
            for own, whole in zip(parts, captions, strict=True)]  # fmt: skip


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width_px: int) -> list[str]:
    """Return the lines of a caption, none wider than a tile; only words wider than that are broken."""
    lines: list[str] = [""]
    for word in text.split():
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") > width_px:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
        while font.getlength(lines[-1]) > width_px and len(lines[-1]) > 1:
            fits = next(
                n for n in range(len(lines[-1]) - 1, 0, -1) if n == 1 or font.getlength(lines[-1][:n]) <= width_px
            )
            lines[-1:] = [lines[-1][:fits], lines[-1][fits:]]
    return lines


def _check(tiles: Sequence[np.ndarray], captions: Sequence[str], columns: int, tile_px: int, pad: int) -> None:
    if not tiles or columns < 1 or tile_px < 1 or pad < 0:
        raise InputError(
            f"a sheet of {len(tiles)} tiles in {columns} columns of {tile_px} px, {pad} px between, is not possible"
        )
    if captions and len(captions) != len(tiles):
        raise InputError(f"{len(captions)} captions for {len(tiles)} tiles; expected one each, or none")
    for tile in tiles:
        if tile.dtype != np.uint8 or tile.ndim != 3 or tile.shape[2] != 3 or 0 in tile.shape:
            raise InputError(f"a tile is {tile.dtype} of shape {tile.shape}; expected uint8 [height, width, 3]")


def _fitted(tile: np.ndarray, tile_px: int) -> tuple[int, int]:
    """Return width and height of a tile whose longer side is brought to `tile_px`."""
    height, width = tile.shape[:2]
    scale = tile_px / max(height, width)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _paste(sheet: Image.Image, tile: np.ndarray, left: int, top: int, tile_px: int, high_px: int) -> None:
    """Fit a tile into its place, centered; a tile of exactly that size keeps its pixels."""
    height, width = tile.shape[:2]
    size = _fitted(tile, tile_px)
    image = Image.fromarray(np.ascontiguousarray(tile))
    if size != (width, height):
        image = image.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(image, (left + (tile_px - size[0]) // 2, top + (high_px - size[1]) // 2))


def _write(draw: ImageDraw.ImageDraw, text: str, at: tuple[int, int], size_px: int, width_px: int) -> None:
    font = ImageFont.load_default(size_px)
    line = " ".join(text.split())
    if draw.textlength(line, font=font) > width_px:
        while line and draw.textlength(line + "…", font=font) > width_px:
            line = line[:-1]
        line = line.rstrip() + "…"
    draw.text(at, line, fill=INK, font=font)
