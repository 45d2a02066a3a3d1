"""Guides of `mesh fit`: silhouettes and colors in square pictures, and the cameras that see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import InputError
from reverie.media.image import Picture
from reverie.media.subject import subject_mask
from reverie.numerics.resample import resize
from reverie.render.camera import Camera, fitting_distance
from reverie.tools.mesh.model import colors_of

FOV_DEG = 40.0
STRAIGHT_UP_DEG = 90.0


@dataclass(frozen=True, eq=False)
class Guide:
    """One guide: `mask` ``[1, S, S]`` and `colors` ``[3, S, S]`` in [0, 1]."""

    name: str
    mask: Tensor
    colors: Tensor


def read_guide(picture: Picture, side_px: int) -> Guide:
    """Return a picture as a guide, brought whole into a square; beyond it there is nothing.

    Raises:
        PictureError: it has no subject.
    """
    mask = torch.from_numpy(subject_mask(picture))[None, None]
    rgba = torch.cat([colors_of(picture) * mask, mask], 1)  # no color of the background comes along
    height, width = rgba.shape[-2:]
    factor = side_px / max(height, width)
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    small = resize(rgba, size).clamp(0, 1)
    below, right = side_px - size[0], side_px - size[1]
    square = F.pad(small, (right // 2, right - right // 2, below // 2, below - below // 2))[0]
    return Guide(picture.name, square[3:], (square[:3] / square[3:].clamp_min(1e-3)).clamp(0, 1))


def parse_cameras(texts: Sequence[str], guides: int) -> list[Camera]:
    """Return the cameras that were given; none if they are to be searched for.

    Raises:
        InputError: one cannot be read, or there is not one for each guide.
    """
    if texts and len(texts) != guides:
        raise InputError(f"--camera is given {len(texts)} times for {guides} guides; give one for each, or none")
    return [_camera(text) for text in texts]


def _camera(text: str) -> Camera:
    parts = text.split(",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        raise InputError(f"--camera must look like AZIMUTH,ELEVATION or AZIMUTH,ELEVATION,DISTANCE; got '{text}'")
    if abs(numbers[1]) > STRAIGHT_UP_DEG:
        raise InputError(f"--camera: the elevation lies from -90 to 90 degrees; got {numbers[1]:g}")
    distance = numbers[2] if len(numbers) == 3 else fitting_distance(FOV_DEG)
    return Camera(numbers[0], numbers[1], distance, fov_deg=FOV_DEG)
