"""`reverie latent dream`: move through latent space until a network believes in a class or a layer is excited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import MEANT
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.latent.config import LatentDreamConfig, upgraded
from reverie.tools.latent.sample import MODEL, PreparedGenerator

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.canvas.latent import LatentCanvas
    from reverie.jobs.output import Output
    from reverie.objective.base import Objective

STRIP = 7  # pictures of the way that stand side by side


class PreparedLatentDream(PreparedGenerator):
    """An open generator, and the critic that is pleased."""

    config: LatentDreamConfig

    def __init__(self, config: LatentDreamConfig, session: Session) -> None:
        super().__init__(config, session)
        self.critic = session.critic(config.critic, None, config.device, config.precision)
        self.objective = self._objective()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the picture, its latents, and the way there side by side."""
        import numpy as np
        import torch

        from reverie.canvas.latent import LatentCanvas
        from reverie.jobs.output import Picture
        from reverie.tools.latent.model import as_bytes

        config, model = self.config, self.model
        start = model.ws_of_seed(config.seed)[None]
        canvas = LatentCanvas(model.net, start, per_layer=config.apart).to(model.device)
        way: list[Tensor] = [start[0]]

        def picture(ws: Tensor) -> np.ndarray:
            return as_bytes(model.draw(ws[None]))[0]

        def steps() -> Iterator[Report]:
            for number, score in enumerate(self._moved(canvas), 1):
                way.append(canvas.ws.detach()[0])
                yield Report(number, config.steps, scores={"score": score}, preview=lambda: picture(way[-1]))

        def outputs() -> list[Output]:
            chosen = [way[round(i)] for i in np.linspace(0, len(way) - 1, min(STRIP, len(way)))]
            kept = model.saved(torch.stack(chosen), [f"{i}" for i in range(len(chosen))])
            strip = np.concatenate([picture(ws) for ws in chosen], 1)
            return [Picture(picture(way[-1])), kept, Picture(strip, label="way")]

        height, width = model.config.size
        meant = self.critic.meanings(config.toward)
        return Steps(
            steps(), outputs, plan=Plan({"size": [width, height]}, summary=f"{width} x {height} px"),
            chosen=replace(model.chosen, more={**model.chosen.more, **({MEANT: meant} if meant else {})}),
        )  # fmt: skip

    def _moved(self, canvas: LatentCanvas) -> Iterator[float]:
        """Move the latent a step at a time, and yield the scores."""
        import torch

        from reverie.optimize.ascend import CanvasRule, ascend_canvas
        from reverie.optimize.gradient import Ascent
        from reverie.tools.latent_search.perceptual import Sized

        ascent = Ascent(self.critic, self.objective, Sized())
        generator = torch.Generator().manual_seed(self.config.seed)
        for score, _, _ in ascend_canvas(canvas, ascent, self.config.steps, CanvasRule(self.config.lr), generator):
            self._keep_near(canvas.w)
            yield score

    def _keep_near(self, w: Tensor) -> None:
        """Bring w ``[B, w_dim]`` back to within `reach` spreads of the center: farther out, pictures break."""
        away = w.detach() - self.model.center()
        limit = self.config.reach * self.model.distance
        w.data = self.model.center() + away * (limit / away.norm(dim=1, keepdim=True)).clamp(max=1.0)

    def _objective(self) -> Objective:
        from reverie.objective.channel import channel
        from reverie.objective.layer import layer
        from reverie.objective.logit import logit

        config = self.config
        if (config.toward is None) == (config.layer is None):
            raise InputError("say what to dream of: either --toward CLASS or --layer NAME")
        if config.toward is not None:
            return logit(self.critic.class_index(config.toward))
        assert config.layer is not None
        self.critic.layer(config.layer)
        return layer(config.layer) if config.channel is None else channel(config.layer, config.channel)


LATENT_DREAM: Tool[LatentDreamConfig] = Tool(
    name="latent dream", doing="dreaming", ending="",
    summary="Move through latent space until a network sees a class, or a layer is excited.",
    config=LatentDreamConfig, prepare=PreparedLatentDream, upgrade=upgraded, roles=(MODEL,),
    examples=(
        "reverie latent dream --toward orange --seed 3",
        "reverie latent dream mine.safetensors --layer mixed4c --channel 12",
    ),
)  # fmt: skip
