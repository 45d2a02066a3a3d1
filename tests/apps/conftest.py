"""A small picture and a runner that returns exit code, standard output and standard error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reverie.apps.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def scene(height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth picture with edges: gradients, a disc and stripes, uint8."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    disc = ((y - 0.35) ** 2 + (x - 0.5) ** 2 < 0.05).astype(float)
    stripes = 0.5 + 0.5 * np.sin(40 * x + 12 * y)
    rgb = np.stack([0.3 + 0.5 * x, 0.2 + 0.6 * disc, 0.7 - 0.4 * y + 0.2 * stripes], axis=-1)
    return (rgb.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return path
