"""What the lessons share: where things lie, small sizes for a quick run, showing pictures, calling the command line."""

from __future__ import annotations

import io
import os
import shlex
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

T = TypeVar("T")
HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
OUT = Path(os.environ.get("REVERIE_COURSE_OUT", HERE / "out"))
QUICK = os.environ.get("REVERIE_COURSE_SIZE") == "small"


def size(normal: T, small: T) -> T:
    """Return the first value, or the second one where the course only has to be quick (REVERIE_COURSE_SIZE=small)."""
    return small if QUICK else normal


def out(name: str) -> Path:
    """Return the path of a file in the folder of results."""
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def valley(longer_px: int = 256) -> np.ndarray:
    """Return the example picture, ``[H, W, 3]`` float in [0, 1]."""
    image = Image.open(EXAMPLES / "valley.jpg").convert("RGB")
    image.thumbnail((longer_px, longer_px), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.float32) / 255


def as_image(picture: Any) -> Image.Image:
    """Return a path, an array (``[H, W]`` or ``[H, W, 3]``, in [0, 1]) or an image as an image."""
    if isinstance(picture, (str, Path)):
        return Image.open(picture).convert("RGB")
    if isinstance(picture, Image.Image):
        return picture.convert("RGB")
    array = np.asarray(picture)
    if array.dtype != np.uint8:
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(array).convert("RGB")


def show(*pictures: Any, height: int = 200, columns: int | None = None) -> Any:
    """Show pictures side by side in a notebook, all of one height."""
    from IPython.display import Image as Shown

    images = [as_image(picture) for picture in pictures]
    images = [i.resize((max(1, round(i.width * height / i.height)), height), Image.Resampling.LANCZOS) for i in images]
    rows = [images[k : k + (columns or len(images))] for k in range(0, len(images), columns or len(images))]
    gap = 4
    width = max(sum(i.width + gap for i in row) for row in rows) - gap
    sheet = Image.new("RGB", (width, (height + gap) * len(rows) - gap), "white")
    for number, row in enumerate(rows):
        left = 0
        for image in row:
            sheet.paste(image, (left, number * (height + gap)))
            left += image.width + gap
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=80)
    return Shown(data=file.getvalue(), format="jpeg", alt="result")


def reverie(line: str) -> None:
    """Call the command line, as ``!reverie ...`` would, without starting a new process."""
    from reverie.apps.cli.main import main

    print(f"$ reverie {line}")
    code = main(shlex.split(line))
    if code:
        raise RuntimeError(f"the command ended with exit code {code}")
