"""What the rasterizers of several processors share: boxes of triangles, and keys that order them by depth."""

from __future__ import annotations

import torch
from torch import Tensor


def packed(depth: Tensor, ids: Tensor) -> Tensor:
    """Return int64 keys that order by depth, nearest first, then by number: positive floats order as their bits."""
    return (0x7FFFFFFF - depth.view(torch.int32).long() << 32) | ids


def unpacked(keys: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return triangles and inverse depths from the smallest key of every pixel."""
    hit = keys != torch.iinfo(torch.int64).max
    triangle = torch.where(hit, keys & 0xFFFFFFFF, -1).int().view(size)
    depth = torch.where(hit, 0x7FFFFFFF - (keys >> 32), 0).int().view(torch.float32)
    return triangle, depth.view(size)


def boxes(corners: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor]:
    """Return first and last pixel ``[F, 2]`` (x, y) of the triangles ``[F, 3, 3]``; last before first where unseen."""
    w = corners[..., 2:]
    front = w >= near
    following = corners.roll(-1, 1)
    t = (near - w) / (following[..., 2:] - w)
    pierced = (corners[..., :2] + t * (following[..., :2] - corners[..., :2])) / near
    seen = torch.cat([front, front != front.roll(-1, 1)], 1)
    places = torch.cat([corners[..., :2] / w, pierced], 1)
    limit = torch.tensor([size[1], size[0]], device=corners.device, dtype=corners.dtype) - 1
    least = torch.where(seen, places, torch.inf).amin(1) - 0.5
    most = torch.where(seen, places, -torch.inf).amax(1) - 0.5
    out = (most < 0).any(1) | (least > limit).any(1) | ~torch.isfinite(least + most).all(1)
    low = torch.where(out[:, None], 1.0, least.clamp_min(0).ceil()).long()
    high = torch.where(out[:, None], 0.0, torch.minimum(most, limit).floor()).long()
    return low, high
