"""A picture as the sum of one picture per resolution, from a single pixel to full size.

One step moves forms of every scale at once: what a step adds is spread over all resolutions, so neither fine noise nor
flat color can run ahead of the rest.
Source: Fort & Whitaker 2025, "Direct Ascent Synthesis", arXiv 2502.07753, section 3.
Differs: sizes grow by a factor instead of by a constant number of pixels, so that a handful do what hundreds did, and
coarse ones weigh more, which they did by having more neighbors. Each is enlarged to the next instead of to the whole,
which costs as much as two pictures instead of as many as there are resolutions. A sigmoid instead of a tanh: the same,
up to a factor of two in its argument.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.canvas.spectrum import MARGIN
from reverie.numerics.color import correlate, correlation_matrix, decorrelate
from reverie.numerics.resample import resize

RATIO = 2**0.5  # between two resolutions
TILT = 0.35  # a resolution weighs (full side / own side) ** TILT: at 0 fine noise wins, from 0.5 on light and dark do


class StackCanvas(nn.Module):
    """Resolutions enlarged, weighed and summed, mapped to RGB by a color correlation and a sigmoid.

    Args:
        stack: ``[B, N]``, all resolutions one behind the other, as `stack_sizes` lists them.
        size: ``(H, W)``.
        matrix: ``[3, 3]`` from `reverie.numerics.color.correlation_matrix`.
    """

    matrix: Tensor

    def __init__(self, stack: Tensor, size: tuple[int, int], matrix: Tensor | None = None) -> None:
        super().__init__()
        self.size = size
        self.stack = nn.Parameter(stack.detach().clone())
        self.register_buffer("matrix", correlation_matrix() if matrix is None else matrix)

    @classmethod
    def noise(
        cls, size: tuple[int, int], generator: torch.Generator, *, batch: int = 1, matrix: Tensor | None = None,
        spread: float = 0.05,
    ) -> StackCanvas:  # fmt: skip
        """Start from Gaussian noise of standard deviation `spread` at every resolution."""
        count = sum(3 * height * width for height, width in stack_sizes(size))
        return cls(spread * torch.randn(batch, count, generator=generator), size, matrix)

    @classmethod
    def from_images(cls, images: Tensor, *, matrix: Tensor | None = None) -> StackCanvas:
        """Start from photographs ``[B, 3, H, W]`` in [0, 1]; reproduced to within the margin of the sigmoid."""
        matrix = correlation_matrix() if matrix is None else matrix
        logits = torch.logit(images.detach().float().clamp(MARGIN, 1 - MARGIN))
        size = (images.shape[-2], images.shape[-1])
        return cls(_decomposed(decorrelate(logits, matrix), size), size, matrix).to(images.device)

    def forward(self, view: object | None = None) -> Tensor:
        return torch.sigmoid(correlate(self._sum(), self.matrix))

    def resized(self, size: tuple[int, int]) -> StackCanvas:
        """Return the same picture at another size."""
        picture = resize(self._sum().detach(), size)
        return StackCanvas(_decomposed(picture, size), size, self.matrix).to(self.stack.device)

    def _sum(self) -> Tensor:
        sizes = stack_sizes(self.size)
        parts = self.stack.split([3 * height * width for height, width in sizes], dim=1)
        total = torch.zeros((), device=self.stack.device)
        for part, size in zip(parts, sizes, strict=True):
            own = _weight(size, self.size) * part.unflatten(1, (3, *size))
            total = own if total.ndim == 0 else own + _enlarged(total, size)
        return total


def stack_sizes(size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the resolutions of a stack, from one pixel on the shorter side to `size`, each about `RATIO` larger."""
    sizes = [size]
    shorter = min(size) / RATIO
    while shorter >= 1:
        share = shorter / min(size)
        smaller = (max(1, round(size[0] * share)), max(1, round(size[1] * share)))
        if smaller != sizes[-1]:
            sizes.append(smaller)
        shorter /= RATIO
    return sizes[::-1]


def _weight(level: tuple[int, int], size: tuple[int, int]) -> float:
    return (min(size) / min(level)) ** TILT


def _enlarged(images: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(images, size, mode="bilinear", align_corners=False)


def _decomposed(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Return a stack that sums to `picture`: every resolution takes what the coarser ones left."""
    parts, coarse = [], torch.zeros((), device=picture.device)
    for level in stack_sizes(size):
        here = picture if level == size else F.interpolate(picture, level, mode="area")
        own = here if coarse.ndim == 0 else here - _enlarged(coarse, level)
        parts.append(own.flatten(1) / _weight(level, size))
        coarse = here
    return torch.cat(parts, dim=1)
