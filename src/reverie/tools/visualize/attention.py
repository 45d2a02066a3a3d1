"""Turn where gradients went into how opaque a picture is there."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.numerics.resample import resize

OPAQUE_FROM = 0.8  # share of the pixels that get less attention than full opacity takes
GRAIN = 64  # attention is smoothed to this many cells along the shorter side: single pixels mean nothing


def opacity(attention: Tensor) -> Tensor:
    """Return ``[B, H, W]`` in [0, 1]: attention smoothed, cut at a percentile, divided by it.

    Source: Fel et al. 2023, arXiv 2306.06805, section 3.3; the percentile is that of their figures.
    """
    height, width = attention.shape[-2:]
    factor = min(1.0, GRAIN / min(height, width))
    coarse = (max(1, round(height * factor)), max(1, round(width * factor)))
    smooth = resize(resize(attention[:, None], coarse), (height, width))[:, 0].clamp_min(0)
    most = torch.quantile(smooth.flatten(1), OPAQUE_FROM, dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return (smooth / most[:, None, None]).clamp(0, 1)
