"""Pictures of parts, as files in a folder until the work that they belong to has read them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np


@contextmanager
def part_folder(scratch: Path) -> Iterator[Path]:
    """Give a fresh folder for the files of parts, and remove it at the end."""
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_part(folder: Path, number: int, pictures: Sequence[np.ndarray]) -> None:
    """Write the pictures of one part, ``[H, W, 3]`` float in [0, 1] or uint8, without loss beyond 8 bits."""
    from reverie.media.write import write_picture

    for index, picture in enumerate(pictures):
        write_picture(folder / f"{number}-{index}.png", picture)


def read_part(folder: Path, number: int) -> Iterator[np.ndarray]:
    """Yield the pictures of one part, ``[H, W, 3]`` uint8."""
    from reverie.media.image import read_picture, to_uint8

    index = 0
    while (place := folder / f"{number}-{index}.png").exists():
        yield to_uint8(read_picture(place).rgb)
        index += 1
