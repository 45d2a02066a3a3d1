"""A generator as a canvas: what moves is the latent, and the picture follows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reverie.models.stylegan2.generator import Generator, Noise

OFFSET_RATE = 0.3  # how quickly layers leave their common w, relative to it: they stay near the trained space


class LatentCanvas(nn.Module):
    """Pictures ``[B, 3, H, W]`` of a generator, about [0, 1], of latents that are optimized.

    ws = w for all layers, plus, where layers may differ, an offset for each that moves at a third of the speed.

    Args:
        net: prepared generator; not trained.
        ws: ``[B, num_ws, w_dim]`` to begin with; copied.
        per_layer: whether layers may differ (W+); else their mean moves (W), and what they differ by stays.
        noise: see `reverie.models.stylegan2.generator.Noise`.
    """

    base: Tensor

    def __init__(self, net: Generator, ws: Tensor, *, per_layer: bool = False, noise: Noise = "const") -> None:
        super().__init__()
        self.generator, self.noise = net, noise
        mean = ws.detach().mean(1)
        self.w = nn.Parameter(mean.clone())
        self.register_buffer("base", ws.detach() - mean[:, None])
        self.offset = nn.Parameter(torch.zeros_like(self.base)) if per_layer else None

    def parameters(self, recurse: bool = True):
        """Yield what moves: the latents, not the generator."""
        yield self.w
        if self.offset is not None:
            yield self.offset

    @property
    def ws(self) -> Tensor:
        """``[B, num_ws, w_dim]``, differentiable."""
        ws = self.w[:, None] + self.base
        return ws if self.offset is None else ws + OFFSET_RATE * self.offset

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return self.generator.config.size

    def forward(self, view: object | None = None) -> Tensor:
        images = self.generator.synthesis(self.ws, self.noise)
        return images[:, :3].expand(-1, 3, -1, -1) / 2 + 0.5
