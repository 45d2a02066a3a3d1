"""What the tests of the command line share: the type of the runner, and a small picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Run = Callable[..., tuple[int, str, str]]


def scene(height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth picture with edges: gradients, a disc and stripes, uint8."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    disc = ((y - 0.35) ** 2 + (x - 0.5) ** 2 < 0.05).astype(float)
    stripes = 0.5 + 0.5 * np.sin(40 * x + 12 * y)
    rgb = np.stack([0.3 + 0.5 * x, 0.2 + 0.6 * disc, 0.7 - 0.4 * y + 0.2 * stripes], axis=-1)
    return (rgb.clip(0, 1) * 255).astype(np.uint8)
