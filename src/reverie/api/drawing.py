"""Draw what a network has learned from Python: any module, any goal, optimizer, transforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from reverie.api.wording import in_python
from reverie.critic.critic import Critic, Preprocessing
from reverie.critic.wrap import as_critic
from reverie.jobs.target import check_no_foreign, place_for, say
from reverie.media.image import to_uint8
from reverie.media.write import write_picture
from reverie.optimize.ascend import Step
from reverie.optimize.goal import Goal
from reverie.optimize.rendering import Change, MakeOptimizer, render
from reverie.optimize.transforms import Look

if TYPE_CHECKING:
    from PIL import Image


class Drawing:
    """A picture of what a network has learned: iterate over its `Step`s, or have it as array, PIL image or file.

    Attributes:
        critic: the network.
        notes: what a user should know, such as that the preprocessing was guessed.
        last: the latest step, once there is one.
    """

    def __init__(self, critic: Critic, steps: Iterator[Step], about: dict[str, object]) -> None:
        self.critic, self.notes, self._steps, self._about = critic, list(critic.notes), steps, about
        self.last: Step | None = None

    def __iter__(self) -> Iterator[Step]:
        for step in self._steps:
            self.last = step
            yield step

    def array(self) -> np.ndarray:
        """Run to the end and return ``[H, W, 3]`` float32 in [0, 1]; of several pictures, side by side."""
        for _ in self:
            pass
        assert self.last is not None
        images = self.last.images.detach().float().clamp(0, 1).cpu()
        return np.concatenate(list(images.permute(0, 2, 3, 1).numpy()), axis=1)

    def pil(self) -> Image.Image:
        """Run to the end and return a PIL image."""
        from PIL import Image

        return Image.fromarray(to_uint8(self.array()))

    @in_python
    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Run to the end and write the picture with what made it inside; returns the path.

        A drawing of other settings that lies there is kept and this one counted up, unless `overwrite` is set.

        Raises:
            InputError, OutputError: it cannot be written.
        """
        check_no_foreign(Path(path))
        array = self.array()
        place = place_for(Path(path), self._about, overwrite=overwrite)
        say(place, self.notes)
        write_picture(place.path, array, settings=self._about)
        return place.path

    def _repr_png_(self) -> bytes:
        """Return the picture for a notebook."""
        from reverie.api.notebook import png_of

        return png_of(self.array())


@in_python
def visualize(
    model: nn.Module | Critic | str, goal: Goal, *, size: int = 160, canvas: nn.Module | None = None,
    optimizer: MakeOptimizer | None = None, transforms: Look | Change | Sequence[Change] | None = None,
    steps: int = 256, seed: int = 0, preprocessing: Preprocessing | None = None, classes: Sequence[str] = (),
    weights: str | Path | None = None, device: str = "auto",
) -> Drawing:  # fmt: skip
    """Draw what excites a part of a network, from noise.

    Args:
        model: any `torch.nn.Module`, an open critic, or a name: "embedded", "resnet18", "timm/NAME", a file.
        goal: "layer3", "layer3:7", "layer3:7 + layer3:12", "class:goldfish", an `Objective`, or a function of
            activations by layer name that returns ``[B]`` or one number.
        size: height and width in pixels.
        canvas: what is changed, in place of a Fourier spectrum; see `reverie.canvas`.
        optimizer: makes a torch optimizer of the canvas's parameters.
        transforms: functions ``[B, 3, H, W] -> [B, 3, h, w]``, or `Transforms`.
        steps: how many.
        seed: of the noise and the transforms.
        preprocessing: what a module expects of its input; guessed otherwise, and said in `notes`.
        classes: names of a module's outputs.
        weights: a state dict for a named architecture.
        device: where to compute.

    Raises:
        InputError: network or goal that cannot be used; the message says why.
    """
    critic = as_critic(model, weights=weights, preprocessing=preprocessing, classes=classes, device=device)
    about = {
        "tool": "python visualize", "goal": goal if isinstance(goal, str) else getattr(goal, "__name__", repr(goal)),
        "model": {"name": critic.identity.name, "sha256": critic.identity.sha256}, "size": size, "steps": steps,
        "seed": seed,
    }  # fmt: skip
    found = render(critic, goal, canvas or (size, size), optimizer, transforms, steps=steps, seed=seed)
    return Drawing(critic, found, about)
