"""What `mesh dream` raises: the objectives of flat dreams, on pictures of a mesh before a grey that changes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from reverie.canvas.mesh import MeshCanvas, Views
from reverie.critic.critic import Critic
from reverie.errors import GradientError
from reverie.objective.total_variation import IMAGE, total_variation
from reverie.optimize.gradient import Ascent
from reverie.optimize.redirect import redirected_relu
from reverie.optimize.transforms import Look, Transforms
from reverie.optimize.views import Views as Crops
from reverie.render.camera import Camera
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.references import References
from reverie.tools.dream_steps.objective import build_objective
from reverie.tools.mesh.ascent import Stage
from reverie.tools.mesh.config import MeshDreamConfig

GREYS = (0.2, 0.8)  # the background's range: a fixed one would become part of what is dreamt
JITTER_PX = 8
CROPS = 6  # per picture, of a class
REDIRECT_STEPS = 16


class DreamGoal:
    """See the module.

    Args:
        config: the settings.
        critic: the network.
        guide: ``[1, 3, H, W]`` in [0, 1], a picture whose forms to draw out, or None.
    """

    def __init__(self, config: MeshDreamConfig, critic: Critic, guide: Tensor | None) -> None:
        flat = DreamConfig(layer=config.layer, channel=config.channel, class_name=config.class_name)
        self.config = config
        objective = build_objective(flat, critic, References(guide=guide))
        look: Look = Transforms(jitter_px=JITTER_PX)
        if config.class_name is not None:
            look = Crops(CROPS, critic.identity.input_px, smallest=0.4, spread=0.15, noise=0.03)
        self.ascent = Ascent(critic, objective, look)
        self._scale, self._steps = 0.0, 0

    def begin(self, stage: Stage, canvas: MeshCanvas, cameras: Sequence[Camera]) -> None:
        """Nothing to get ready: a dream has no target."""
        self._scale = 0.0

    def background(self, generator: Generator) -> Tensor:
        """Return a random grey."""
        low, high = GREYS
        return (low + (high - low) * torch.rand(1, generator=generator)).expand(3)

    def score(self, views: Views, cameras: Sequence[Camera], generator: Generator) -> Tensor:
        """Return the score of the pictures, divided by what it was at the first step of this size."""
        self._steps += 1
        shift = self.ascent.transforms.shift(generator)
        images = torch.roll(views.images, shift, (-2, -1))
        with redirected_relu() if self._steps <= REDIRECT_STEPS else torch.enable_grad():
            score = self.ascent.look(images, shift, generator).mean().double()
        if not torch.isfinite(score):
            raise GradientError("the score is not a number; try --precision fp32 or a smaller --texture-rate")
        if self._scale == 0.0:
            self._scale = max(abs(score.item()), 1e-6)
        total = score / self._scale
        if self.config.smooth > 0:
            total = total - self.config.smooth * total_variation()({IMAGE: views.images}).mean()
        return total
