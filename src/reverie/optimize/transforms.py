"""What a step looks at: the picture shifted, and optionally scaled, rotated, cropped and with noise.

Shifts (the classic jitter) wrap around and are undone exactly. The others resample the picture differentiably; they
make the result robust, which for optimization from noise means: less high-frequency noise.
Source: Olah et al. 2017, "Feature Visualization", transformation robustness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


class Look(Protocol):
    """How a step looks at pictures: first shifted, then by views that may differ in number and size."""

    @property
    def resamples(self) -> bool:
        """Whether `look` does anything."""
        ...

    def shift(self, generator: Generator) -> tuple[int, int]:
        """Draw a shift (down, right) in pixels."""
        ...

    def look(self, images: Tensor, generator: Generator) -> Tensor:
        """Return views of the pictures, differentiable; all of one picture behind one another."""
        ...


@dataclass(frozen=True)
class Transforms:
    """Ranges that each step draws from.

    Attributes:
        jitter_px: shift by up to this many pixels in both directions, wrapping around.
        scale: enlarge or shrink by up to this share.
        rotate_deg: turn by up to this angle.
        crop: smallest share of the height and width that is looked at, in (0, 1].
        noise: standard deviation of added Gaussian noise, for values in [0, 1].
    """

    jitter_px: int = 32
    scale: float = 0.0
    rotate_deg: float = 0.0
    crop: float = 1.0
    noise: float = 0.0

    @property
    def resamples(self) -> bool:
        return self.scale > 0 or self.rotate_deg > 0 or self.crop < 1 or self.noise > 0

    def shift(self, generator: Generator) -> tuple[int, int]:
        """Draw a shift (down, right) from [-jitter, jitter] in both directions."""
        if self.jitter_px == 0:
            return 0, 0
        drawn = torch.randint(-self.jitter_px, self.jitter_px + 1, (2,), generator=generator).tolist()
        return drawn[0], drawn[1]

    def look(self, images: Tensor, generator: Generator) -> Tensor:
        """Return one random view of the pictures, differentiable; the size changes if `crop` is below one."""
        if self.scale > 0 or self.rotate_deg > 0 or self.crop < 1:
            images = F.grid_sample(
                images, self._grid(images, generator), mode="bilinear", padding_mode="reflection", align_corners=False
            )
        if self.noise > 0:
            noise = torch.randn(images.shape, generator=generator).to(images)
            images = images + self.noise * noise
        return images

    def _grid(self, images: Tensor, generator: Generator) -> Tensor:
        count, _, height, width = images.shape
        draw = torch.rand(5, count, generator=generator) * 2 - 1
        share = 1 - (1 - self.crop) * (draw[0] + 1) / 2
        zoom = share * (1 + self.scale * draw[1])
        angle = math.radians(self.rotate_deg) * draw[2]
        room = 1 - share
        cosine, sine, aspect = angle.cos() * zoom, angle.sin() * zoom, height / width
        # affine_grid works in [-1, 1] coordinates, so a rotation must be corrected for the picture's aspect
        theta = torch.stack(
            [
                torch.stack([cosine, -sine * aspect, room * draw[3]], 1),
                torch.stack([sine / aspect, cosine, room * draw[4]], 1),
            ],
            1,
        )
        side = [max(1, round(height * self._kept())), max(1, round(width * self._kept()))]
        return F.affine_grid(theta, [count, 3, *side], align_corners=False).to(images)

    def _kept(self) -> float:
        """Make views of crops at the mean size of a crop: neither enlarged nor shrunk on average."""
        return (1 + self.crop) / 2
