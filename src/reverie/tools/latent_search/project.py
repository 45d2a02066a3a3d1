"""`reverie latent project`: find the latent whose picture looks most like a photograph."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.latent.config import ProjectConfig, upgraded_project
from reverie.tools.latent.sample import PreparedGenerator

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.jobs.output import Output

START_PIXELS = 2000 * 64**2  # drawn in all where nobody says how many starts: 2000 of a network of 64 px
LEAST_STARTS = 32
WARM, COOL = 0.05, 0.25  # parts of a stage in which the rate rises and falls (Karras et al. 2019, appendix D)


class PreparedProjection(PreparedGenerator):
    """An open generator and the critic that compares."""

    config: ProjectConfig

    def __init__(self, config: ProjectConfig, session: Session) -> None:
        super().__init__(config, session)
        self.critic = session.critic("embedded", None, config.device, config.precision)

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the search for one photograph: the picture, its latents, and both pictures side by side."""
        import numpy as np

        from reverie.jobs.output import Picture
        from reverie.tools.latent.model import as_bytes

        assert given is not None
        model, notes = self.model, []
        target, cut = fitted(given.picture.rgb, model.config.size)
        if cut:
            notes.append(f"the middle of the picture is used, as the network draws {cut}")
        target = target.to(model.device)
        found: dict[str, Tensor] = {}

        def outputs() -> list[Output]:
            picture = self._shown(found)
            both = np.concatenate([as_bytes(target)[0], picture], 1)
            return [Picture(picture), model.saved(found["ws"], [Path(given.name).stem]), Picture(both, label="both")]

        height, width = model.config.size
        return Steps(
            self._steps(target, found, notes), outputs,
            plan=Plan({"size": [width, height]}, summary=f"{width} x {height} px"), chosen=model.chosen, notes=notes,
        )  # fmt: skip

    def _shown(self, found: dict[str, Tensor]) -> np.ndarray:
        from reverie.tools.latent.model import as_bytes

        return as_bytes(self.model.draw(found["ws"]))[0]

    def _steps(self, target: Tensor, found: dict[str, Tensor], notes: list[str]) -> Iterator[Report]:
        """Search from the best start, by one latent for all layers and then by one a layer."""
        import torch

        height, width = self.model.config.size
        starts = self.config.starts or max(LEAST_STARTS, START_PIXELS // (height * width))
        found["ws"], distance = self._best_start(target, starts)
        notes.append(f"best of {starts} starts: distance {distance:.4f}")
        done = 0
        for per_layer in (False, True):
            for score in self._search(target, found, per_layer):
                done += 1
                yield Report(
                    done, self.config.steps * 2, stage="W+" if per_layer else "W", scores={"distance": -score},
                    preview=lambda: self._shown(found),
                )  # fmt: skip
        distance = self._distance(self.model.draw(found["ws"]), target).item()
        notes.append(f"distance {distance:.4f} in the end")
        found["distance"] = torch.tensor(distance)

    def _best_start(self, target: Tensor, starts: int) -> tuple[Tensor, float]:
        """Return ws ``[1, num_ws, w_dim]`` of the random picture that looks most like the target."""
        import torch

        model, generator = self.model, torch.Generator().manual_seed(self.config.seed)
        best, ws = float("inf"), None
        for begin in range(0, starts, model.at_once):
            count = min(model.at_once, starts - begin)
            z = torch.randn(count, model.config.z_dim, generator=generator).to(model.device)
            classes = None
            if model.config.c_dim:
                drawn = torch.randint(model.config.c_dim, (count,), generator=generator)
                classes = torch.eye(model.config.c_dim)[drawn].to(model.device)
                if model.class_vector is not None:
                    classes = model.class_vector.expand(count, -1)
            with torch.no_grad():
                w = model.truncated(model.net.mapping(z, classes))
            distances = self._distance(model.draw(model.net.spread(w)), target)
            least = distances.min().item()
            if least < best or ws is None:
                best, ws = least, model.net.spread(w)[distances.argmin()][None].clone()
        assert ws is not None
        return ws, best

    def _distance(self, images: Tensor, target: Tensor) -> Tensor:
        from reverie.tools.latent_search.perceptual import look_at_many

        looks = look_at_many(self.critic, images, self.config.pixels)
        return (looks - look_at_many(self.critic, target, self.config.pixels)).square().sum(1)

    def _search(self, target: Tensor, found: dict[str, Tensor], per_layer: bool) -> Iterator[float]:
        """Raise the resemblance from ws in `found`, which follows; yields the score after every step."""
        import torch

        from reverie.canvas.latent import LatentCanvas
        from reverie.optimize.ascend import CanvasRule, ascend_canvas
        from reverie.optimize.gradient import Ascent
        from reverie.tools.latent_search.perceptual import Sized, resemblance

        config = self.config
        canvas = LatentCanvas(self.model.net, found["ws"], per_layer=per_layer).to(self.model.device)
        ascent = Ascent(self.critic, resemblance(self.critic, target, config.pixels), Sized())
        rule = CanvasRule(config.lr, betas=(0.9, 0.999), anneal=True)
        generator = torch.Generator().manual_seed(config.seed)

        def pace(number: int, images: Tensor) -> tuple[Ascent, float]:
            return ascent, config.lr * ramp((number - 1) / config.steps)

        ramped = pace if config.rate == "ramp" else None
        for score, _, _ in ascend_canvas(canvas, ascent, config.steps, rule, generator, pace=ramped):
            found["ws"] = canvas.ws.detach()
            yield score


def ramp(progress: float) -> float:
    """Return the part of the learning rate that is used at a part of a stage: it rises, stays, and falls to zero."""
    return min(1.0, (progress + 0.01) / WARM) * (1 - math.cos(math.pi * min(1.0, (1 - progress) / COOL))) / 2


def fitted(rgb: np.ndarray, size: tuple[int, int]) -> tuple[Tensor, str]:
    """Return the middle of a picture ``[H, W, 3]`` as ``[1, 3, *size]`` in [0, 1], and its size if parts are cut."""
    import numpy as np
    import torch
    from torch.nn import functional as F

    height, width = rgb.shape[:2]
    scale = min(height / size[0], width / size[1])
    rows, columns = round(size[0] * scale), round(size[1] * scale)
    top, left = (height - rows) // 2, (width - columns) // 2
    part = torch.from_numpy(np.ascontiguousarray(rgb[top : top + rows, left : left + columns])).permute(2, 0, 1)[None]
    image = F.interpolate(part.float(), list(size), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
    return image, f"{size[1]} x {size[0]} px" if max(height - rows, width - columns) > 1 else ""


LATENT_PROJECT: Tool[ProjectConfig] = Tool(
    name="latent project", doing="searching", ending="projected",
    summary="Find photographs in latent space: their latents, to be edited and travelled to.",
    config=ProjectConfig, prepare=PreparedProjection, upgrade=upgraded_project,
    roles=(Role("photo", "picture", "Photographs to look for.", streamed=True),),
    examples=("reverie latent project rose.jpg", "reverie latent project photos/ --model mine.safetensors -o found/"),
)  # fmt: skip
