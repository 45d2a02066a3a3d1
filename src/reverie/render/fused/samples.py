"""Colors of a texture at many places, of any number of channels; see `reverie.render.sample`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reverie.render.fused.kernel import kernel
from reverie.render.fused.texels import corners_of


def table_of(sizes: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return ``[L, 3]`` int64: height, width and first texel of each level."""
    first = np.cumsum([0, *(height * width for height, width in sizes)])[:-1]
    return np.array([(*size, start) for size, start in zip(sizes, first, strict=True)], np.int64)


@kernel
def sample(texels: np.ndarray, sizes: np.ndarray, uv: np.ndarray, level: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` ``[N, C]``."""
    count = sizes.shape[0]
    for n in range(uv.shape[0]):
        lower = min(int(level[n]), count - 1)
        blend = level[n] - lower
        for c in range(texels.shape[1]):
            out[n, c] = 0
        for step in range(2):
            part = blend if step else 1 - blend
            if part <= 0 or lower + step >= count:
                continue
            i, j, k, m, tx, ty = corners_of(sizes, lower + step, uv[n, 0], uv[n, 1])
            for c in range(texels.shape[1]):
                upper = texels[i, c] * (1 - tx) + texels[j, c] * tx
                under = texels[k, c] * (1 - tx) + texels[m, c] * tx
                out[n, c] += part * (upper * (1 - ty) + under * ty)


@kernel
def sample_back(
    texels: np.ndarray, sizes: np.ndarray, uv: np.ndarray, level: np.ndarray, slope: np.ndarray, to_texels: np.ndarray,
    to_uv: np.ndarray,
) -> None:  # fmt: skip
    """Add gradients of texels and places, from those of the colors."""
    count = sizes.shape[0]
    for n in range(uv.shape[0]):
        lower = min(int(level[n]), count - 1)
        blend = level[n] - lower
        for step in range(2):
            part = blend if step else 1 - blend
            if part <= 0 or lower + step >= count:
                continue
            i, j, k, m, tx, ty = corners_of(sizes, lower + step, uv[n, 0], uv[n, 1])
            for c in range(texels.shape[1]):
                s = part * slope[n, c]
                to_texels[i, c] += s * (1 - tx) * (1 - ty)
                to_texels[j, c] += s * tx * (1 - ty)
                to_texels[k, c] += s * (1 - tx) * ty
                to_texels[m, c] += s * tx * ty
                across = (texels[j, c] - texels[i, c]) * (1 - ty)
                across += (texels[m, c] - texels[k, c]) * ty
                down = (texels[k, c] - texels[i, c]) * (1 - tx)
                down += (texels[m, c] - texels[j, c]) * tx
                to_uv[n, 0] += s * across * sizes[lower + step, 1]
                to_uv[n, 1] -= s * down * sizes[lower + step, 0]
