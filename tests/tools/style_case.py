"""What tests of style transfers paint: small textures, a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reverie.api.styling import Styling
from reverie.critic.critic import Critic
from reverie.tools.style.config import StyleConfig

QUICK = {"size": 64, "min_size": 40, "steps": 6, "min_steps": 4, "precision": "fp32"}


def texture(size: int, seed: int) -> np.ndarray:
    """Return a picture of colored stripes, different for every seed."""
    y, x = np.mgrid[0:size, 0:size] / size
    random = np.random.default_rng(seed)
    waves = [np.sin(2 * np.pi * (random.integers(2, 9) * x + random.integers(2, 9) * y)) for _ in range(3)]
    return np.clip(0.5 + 0.4 * np.stack(waves, -1) * random.uniform(0.4, 1, 3), 0, 1).astype(np.float32)


def work(files: Path, critic: Critic, content: str = "0.png", *styles: str, **settings) -> Styling:
    named = tuple(str(files / s) for s in styles or ("1.png",))
    return Styling(files / content, StyleConfig(style=named, **(QUICK | settings)), critic)
