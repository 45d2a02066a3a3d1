"""A line of text in the lower right corner of a picture, readable on any ground."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LEAST_PX, MOST_PX = 10, 18
PAD_PX = 4


def captioned(rgb: np.ndarray, text: str) -> np.ndarray:
    """Return ``[H, W, 3]`` uint8 with a line on a dark strip; broken into lines where the picture is narrow."""
    height, width = rgb.shape[:2]
    if not text or min(height, width) < 64:
        return rgb
    font = ImageFont.load_default(min(max(width // 70, LEAST_PX), MOST_PX))
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image, "RGBA")
    lines = _lines(text, draw, font, width - 4 * PAD_PX)
    block = "\n".join(lines)
    left, top, right, bottom = draw.multiline_textbbox((0, 0), block, font=font)
    x, y = width - (right - left) - 2 * PAD_PX, height - (bottom - top) - 2 * PAD_PX
    draw.rectangle((x - PAD_PX, y - PAD_PX, width, height), fill=(0, 0, 0, 150))
    draw.multiline_text((x - left, y - top), block, font=font, fill=(255, 255, 255, 235), align="right")
    return np.asarray(image)


def _lines(text: str, draw: ImageDraw.ImageDraw, font: object, width_px: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and draw.textlength(longer, font=font) <= width_px:  # type: ignore[arg-type]
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
