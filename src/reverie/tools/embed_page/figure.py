"""The map as one picture: every thumbnail in its place, framed in the color of its class, with a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from reverie.tools.embed_page.findings import class_colors

GROUND, INK, DIM = (18, 19, 20), (230, 230, 228), (109, 114, 118)
MARGIN_PX, LEGEND_PX, TEXT_PX = 44, 260, 18  # the margin is outside of the pictures; the title stands in it
MOST_NAMED = 40
LEAST_THUMB_PX, MOST_THUMB_PX = 4, 96
FIGURE_PX = 1600


def draw_map(
    places: Tensor, thumbs: Sequence[np.ndarray], labels: Tensor, classes: Sequence[str], title: str,
) -> np.ndarray:  # fmt: skip
    """Return the figure ``[H, W, 3]`` uint8, `FIGURE_PX` high, with a legend at the right where there are classes.

    Args:
        places: ``[N, 2]``.
        thumbs: squares; none draws dots.
        labels: ``[N]``, -1 without a class.
        classes: names.
        title: one line.
    """
    legend = LEGEND_PX if classes else 0
    image = Image.new("RGB", (FIGURE_PX + legend, FIGURE_PX), GROUND)
    pen = ImageDraw.Draw(image)
    corner, scale = frame_of(places, FIGURE_PX)
    side = thumb_side(len(places))
    colors = class_colors(len(classes))
    for i in range(len(places)):
        color = colors[int(labels[i])] if int(labels[i]) >= 0 else DIM
        x, y = ((places[i] - corner) * scale).tolist()
        _draw_one(image, pen, (x, y), side, color, thumbs[i] if len(thumbs) else None)
    pen.text((16, 12), title, fill=INK, font=ImageFont.load_default(TEXT_PX))
    if legend:
        _draw_legend(pen, labels, classes, colors)
    return np.array(image)


def with_mark(figure: np.ndarray, places: Tensor, place: Tensor) -> np.ndarray:
    """Return a figure of `draw_map` with a ring around one more place ``[2]``."""
    image = Image.fromarray(figure)
    pen = ImageDraw.Draw(image)
    corner, scale = frame_of(places, FIGURE_PX)
    x, y = ((place - corner) * scale).tolist()
    for radius, color in ((46, (0, 0, 0)), (43, (255, 255, 255)), (39, (0, 0, 0))):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=color, width=4)
    return np.array(image)


def frame_of(places: Tensor, side_px: int) -> tuple[Tensor, float]:
    """Return what to subtract from places, and by what to multiply, so that their pictures fill a square, uncut."""
    side = thumb_side(len(places))
    margin = MARGIN_PX + side / 2 + edge_of(side)
    low, high = places.amin(0), places.amax(0)
    width = float((high - low).max().clamp_min(1e-12))
    scale = (side_px - 2 * margin) / width
    return (low + high) / 2 - side_px / 2 / scale, scale


def thumb_side(count: int) -> int:
    """Return the side of thumbnails that hide little of each other."""
    return round(min(max(0.6 * FIGURE_PX / math.sqrt(count), LEAST_THUMB_PX), MOST_THUMB_PX))


def edge_of(side: int) -> int:
    """Return the width of the frame around a thumbnail."""
    return max(1, side // 14)


def _draw_one(
    image: Image.Image, pen: ImageDraw.ImageDraw, at: tuple[float, float], side: int, color: str | tuple[int, ...],
    thumb: np.ndarray | None,
) -> None:  # fmt: skip
    left, top = round(at[0] - side / 2), round(at[1] - side / 2)
    edge = edge_of(side)
    pen.rectangle((left - edge, top - edge, left + side + edge - 1, top + side + edge - 1), fill=color)
    if thumb is not None and side > LEAST_THUMB_PX:
        image.paste(Image.fromarray(thumb).resize((side, side), Image.Resampling.BOX), (left, top))


def _draw_legend(pen: ImageDraw.ImageDraw, labels: Tensor, classes: Sequence[str], colors: Sequence[str]) -> None:
    font = ImageFont.load_default(TEXT_PX)
    counts = torch.bincount(labels.clamp_min(0), minlength=len(classes))
    for row, name in enumerate(classes[:MOST_NAMED]):
        top = 48 + row * 30
        pen.ellipse((FIGURE_PX, top + 3, FIGURE_PX + 15, top + 18), fill=colors[row])
        text = name if len(name) <= 18 else name[:17] + "…"
        pen.text((FIGURE_PX + 24, top), f"{text}  {int(counts[row])}", fill=INK, font=font)
    if len(classes) > MOST_NAMED:
        top = 48 + MOST_NAMED * 30
        pen.text((FIGURE_PX + 24, top), f"and {len(classes) - MOST_NAMED} more", fill=DIM, font=font)
