"""Anchors: every picture keeps a latent of its own, and the generator learns to draw it from there.

A GAN from nothing needs hundreds of thousands of pictures before it arranges things, and on small data it may forget
most of them. Here the latent of each picture is known beforehand: its principal components, whitened, so that all of
them together are spread like the random latents that are drawn later. Drawing them is plain regression, learned in
minutes; what is drawn between them, and all detail, is left to the discriminator.

In the spirit of Bojanowski et al. 2018, GLO, arXiv 1707.05776. Differs: latents are computed, not learned, and a
discriminator stays.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.numerics.resample import resize
from reverie.train.randomness import private_random
from reverie.train.stylegan2.against import LAYERS
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.pictures import Source

PLACES = 8  # side of the small picture among the features
BLOCKS = (1.0, 0.8, 0.5)  # weight of small picture, arrangement of things, things
JITTER = 0.1  # of the latents, so that neighbors of an anchor draw nearly the same
COLORS = {4: 3.0, 2: 1.5}  # weights of the colors of pictures so many times smaller, beside the critic's layers
TEXTURE, LEAST_PLACES = 0.5, 8  # weight of textures; side of the layers that have them
FADES_FROM_KIMG, HALVES_KIMG = 16.0, 10.0  # of the weight: whole, then halved again and again, down to what is kept
AT_ONCE = 64


class Anchors:
    """Latents ``[2, N, z_dim]`` of all pictures, as they are and mirrored.

    Args:
        source: pictures.
        critic: frozen; sees things.
        config: settings.
    """

    def __init__(self, source: Source, critic: Critic, config: Stylegan2Config) -> None:
        self.critic, self.strength, self.kept = critic, config.anchor, config.anchor_kept
        both = (False, True) if config.mirror else (False,)
        found = torch.cat([self._features(source, mirrored) for mirrored in both])
        labels = source.pictures.labels.repeat(len(both))
        for label in labels.unique():
            found[labels == label] -= found[labels == label].mean(0)
        size = min(config.latent, *found.shape)
        with private_random(torch.device("cpu"), config.seed):
            _, _, directions = torch.pca_lowrank(found, q=size, center=False, niter=4)
        latents = found @ directions
        latents = F.pad(latents / latents.std(0).clamp_min(1e-6), (0, config.latent - size))
        self._latents = latents.reshape(len(both), source.count, config.latent)
        scale = source.draw(min(4 * AT_ONCE, source.count), Generator().manual_seed(0), mirror=False).images
        with torch.no_grad():
            self._scales = [x.float().std().item() for x in critic(scale / 2 + 0.5, LAYERS).values()]

    def latents(self, index: Tensor, mirrored: Tensor, random: Generator) -> Tensor:
        """Return z ``[B, z_dim]`` of pictures, a little off."""
        chosen = self._latents[mirrored.long(), index]
        return chosen + JITTER * torch.randn(chosen.shape, generator=random)

    def unlike(self, fake: Tensor, real: Tensor) -> Tensor:
        """Return how unlike pictures ``[B, 3, S, S]`` in [-1, 1] are.

        The sum over layers of mean |f - g| / std, of colors, and of textures: the same of local standard deviations,
        without which everything that is not known exactly becomes a blur.
        """
        with torch.no_grad():
            wanted = self.critic(real / 2 + 0.5, LAYERS)
        found = self.critic(fake / 2 + 0.5, LAYERS)
        total = fake.new_zeros(())
        for side, weight in COLORS.items():
            total = total + weight * (F.avg_pool2d(fake, side) - F.avg_pool2d(real, side)).abs().mean()
        for name, scale in zip(LAYERS, self._scales, strict=True):
            made, given = found[name].float(), wanted[name].float()
            total = total + (made - given).abs().mean() / scale
            if made.shape[-1] >= LEAST_PLACES:
                total = total + TEXTURE * (local_deviation(made) - local_deviation(given)).abs().mean() / scale
        return total

    def weight(self, kimg: float) -> float:
        """Return the weight of `unlike` after so many thousand pictures."""
        return self.strength * max(self.kept, min(1.0, 0.5 ** ((kimg - FADES_FROM_KIMG) / HALVES_KIMG)))

    @torch.no_grad()
    def _features(self, source: Source, mirrored: bool) -> Tensor:
        blocks: list[list[Tensor]] = [[], [], []]
        for start in range(0, source.count, AT_ONCE):
            index = torch.arange(start, min(start + AT_ONCE, source.count))
            images = source.pictures.fetch(index).float() / 255
            images = images.flip(3) if mirrored else images
            seen = self.critic(images, ("mixed4c", "mixed5b"))
            blocks[0].append(resize(images, (PLACES, PLACES)).flatten(1))
            blocks[1].append(F.adaptive_avg_pool2d(seen["mixed4c"].float(), 2).flatten(1).cpu())
            blocks[2].append(seen["mixed5b"].float().mean((2, 3)).cpu())
        found = []
        for weight, parts in zip(BLOCKS, blocks, strict=True):
            block = torch.cat(parts)
            block = block - block.mean(0)
            found.append(block * (weight / block.square().sum(1).mean().sqrt()))
        return torch.cat(found, 1)


def local_deviation(x: Tensor) -> Tensor:
    """Return the standard deviation of activations ``[B, C, h, w]`` within squares of a quarter of the side."""
    side = x.shape[-1] // 4
    mean = F.avg_pool2d(x, side, side // 2)
    return (F.avg_pool2d(x.square(), side, side // 2) - mean.square()).clamp_min(0).add(1e-3).sqrt()
