"""Pictures as tensors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reverie.media.image import Picture


def colors_of(picture: Picture) -> Tensor:
    """Return ``[1, 3, H, W]`` float32 in [0, 1]; what is transparent keeps its color."""
    return torch.from_numpy(np.ascontiguousarray(picture.rgb)).permute(2, 0, 1)[None].float()
