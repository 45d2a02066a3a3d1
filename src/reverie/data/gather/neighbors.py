"""Pictures that show the same thing: crops and details, which hashes do not find, by features of the embedded network.

Features: mean of the layer over positions, standardized by the channel statistics that are shipped with the network;
likeness is the cosine. They are not left out, since two photographs of one fountain are both worth having, but they
stay on one side of the split, and the review shows them together.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from reverie.errors import PictureError

LAYER, SIDE_PX, BATCH = "mixed5a", 96, 32
COMMON, BLOCK = 20, 1024  # pictures at which half of the common part is taken off; rows compared at once
SAME = 0.85  # measured on 700 photographs: crops of 64 % are found in 92 %, 1 of 10,000 other pairs is taken for one


def features(paths: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield the features of pictures, ``[up to 32, C]`` float32 of length one; a broken picture has zeros."""
    import torch
    from torch.nn.functional import normalize

    from reverie.critic.open import open_critic
    from reverie.critic.statistics import statistics_of

    critic = open_critic(device="auto", precision="fp32")
    known = statistics_of(critic, [LAYER])[LAYER]
    for begin in range(0, len(paths), BATCH):
        squares = np.stack([_square(path) for path in paths[begin : begin + BATCH]])
        images = torch.from_numpy(squares).permute(0, 3, 1, 2).float().div(255)
        with torch.inference_mode():
            found = critic(images.to(critic.device), [LAYER])[LAYER].float().mean((2, 3)).cpu()
        values = normalize((found - known.mean.cpu()) / known.std.cpu()).numpy()
        values[~squares.any((1, 2, 3))] = 0
        yield values


def pairs(values: np.ndarray, least: float = SAME) -> list[tuple[int, int]]:
    """Return the pairs of rows of ``[N, C]`` whose cosine is at least so much, the most similar first.

    What all pictures of the collection have in common is taken off before: fully in large collections, hardly in those
    of a few pictures, whose mean says little.
    """
    count = len(values)
    centered = values - values.mean(0) * (count / (count + COMMON))
    centered /= np.linalg.norm(centered, axis=1, keepdims=True) + 1e-9
    found: list[tuple[float, int, int]] = []
    for begin in range(0, count, BLOCK):
        likeness = centered[begin : begin + BLOCK] @ centered.T
        for first, second in np.argwhere(likeness >= least):
            if begin + first < second:
                found.append((-float(likeness[first, second]), int(begin + first), int(second)))
    return [(first, second) for _, first, second in sorted(found)]


def _square(path: Path) -> np.ndarray:
    from reverie.media.image import read_square

    try:
        return read_square(io.BytesIO(path.read_bytes()), SIDE_PX, path.name)
    except (OSError, PictureError):
        return np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
