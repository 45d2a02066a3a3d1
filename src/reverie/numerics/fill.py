"""Continue colors into places where a picture has none."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

VISIBLE = 1e-3  # of opacity, below which a pixel's color is not believed


def fill_transparent(images: Tensor, alpha: Tensor) -> Tensor:
    """Return ``[1, 3, H, W]`` with transparent places filled from around them, so that no edge is seen there.

    Colors are averaged down by halves, weighted by opacity, until all is covered, and come back from coarse to fine.
    Source: Gortler et al. 1996, The Lumigraph, section 3.4 (push-pull).

    Args:
        images: colors, not multiplied by alpha, in [0, 1].
        alpha: ``[1, 1, H, W]`` in [0, 1].
    """
    known = torch.where(alpha > VISIBLE, alpha, torch.zeros_like(alpha))
    if not known.any():
        return torch.full_like(images, 0.5)
    return torch.lerp(_pulled(images, known), images, alpha)


def _pulled(images: Tensor, known: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    if (known >= 1).all() or max(height, width) == 1:
        return images
    halves = {"kernel_size": 2, "ceil_mode": True, "count_include_pad": False}
    weight = F.avg_pool2d(known, **halves)
    color = F.avg_pool2d(images * known, **halves) / weight.clamp(min=1e-12)
    coarse = _pulled(color, (4 * weight).clamp(max=1))
    wide = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return torch.lerp(wide, images, known.clamp(max=1))
