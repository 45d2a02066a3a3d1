"""Small folders of pictures in which every class has its own color."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLORS = {"blue": (20, 30, 200), "green": (30, 180, 40), "red": (210, 40, 30)}


def write_colors(folder: Path, counts: dict[str, int], suffix: str = ".png") -> Path:
    random = np.random.default_rng(0)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = np.array(COLORS[name]) + random.normal(0, 6, (20, 24, 3))
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name / f"{index:02}{suffix}")
    return folder


@pytest.fixture
def make_colors() -> Callable[..., Path]:
    return write_colors


@pytest.fixture
def colors(tmp_path: Path) -> Path:
    """Three classes of 10 pictures."""
    return write_colors(tmp_path / "colors", dict.fromkeys(COLORS, 10))
