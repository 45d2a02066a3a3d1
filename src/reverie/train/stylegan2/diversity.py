"""A penalty for made pictures that are more alike than real ones: a name for mode collapse, and a force against it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic

LAYERS = ("mixed4c", "mixed5b")
PLACES = 8  # side of the picture whose colors are compared
SLOW = 0.02  # of the running mean of real pictures


class Diversity:
    """Compares mean squared distances within a batch, of small pictures and of the critic's layers.

    missing = sum_f max(0, 1 - mean|f(x_i) - f(x_j)|^2 / mean|f(r_i) - f(r_j)|^2) over pairs of one class, x made and r
    real, the latter a running mean. It ends where real pictures are, so it never asks for more than there is.
    In the spirit of Mao et al. 2019, "Mode Seeking GANs", arXiv 1903.05628.
    """

    def __init__(self, critic: Critic) -> None:
        self.critic, self._real = critic, None

    def missing(self, fake: Tensor, fake_classes: Tensor | None, real: Tensor, classes: Tensor | None) -> Tensor:
        """Return the penalty, 0 where made pictures ``[B, C, H, W]`` in [-1, 1] differ as much as real ones."""
        with torch.no_grad():
            found = self._spread(real, classes)
        if found is not None:
            self._real = found if self._real is None else self._real.lerp(found, SLOW)
        ours = self._spread(fake, fake_classes)
        if ours is None or self._real is None:
            return fake.new_zeros(())
        return F.relu(1 - ours / self._real).sum()

    def _spread(self, images: Tensor, classes: Tensor | None) -> Tensor | None:
        rgb = images[:, :3].expand(-1, 3, -1, -1)
        looks = [F.adaptive_avg_pool2d(rgb, PLACES).flatten(1)]
        looks += [F.avg_pool2d(x.float(), 2).flatten(1) for x in self.critic(rgb / 2 + 0.5, LAYERS).values()]
        pairs = torch.ones(len(images), len(images), device=images.device) if classes is None else classes @ classes.T
        pairs = pairs.triu(1) > 0
        if not pairs.any():
            return None
        return torch.stack([torch.cdist(x, x).square()[pairs].mean() for x in looks])

    def state(self) -> Tensor | None:
        """Return the running mean."""
        return self._real

    def restore(self, state: Tensor | None) -> None:
        """Take what `state` gave."""
        self._real = state
