"""Train the decoder that paints in any style, on any pictures as contents and any as styles.

Source: Huang & Belongie 2017, arXiv 1703.06868, section 6: content is compared with the features that were given the
style's statistics. Differs: every loss is divided by the size of what it is compared with, so that all layers
weigh the same; styles are compared by covariances besides means and deviations; some pictures are to be given back
unchanged, so that strength 0 is the content.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reverie.critic.critic import IMAGE, Critic
from reverie.critic.open import open_critic
from reverie.critic.precision import Precision, autocast, resolve_device, resolve_precision
from reverie.critic.style_layers import style_layers
from reverie.data.ahead import Ahead
from reverie.data.batches import seed_of, seeded
from reverie.data.crops import CropPool
from reverie.errors import InputError
from reverie.jobs.work import Chosen
from reverie.models.adaptive import LEVELS, AdaptiveDecoder, Statistics, restyled, statistics_of
from reverie.models.build import check_fit
from reverie.train.about import dated
from reverie.train.adaptive_config import SHIPPED, AdaptiveConfig, check_adaptive
from reverie.train.image_training import ImageTraining
from reverie.train.randomness import private_random
from reverie.train.run_folder import RunFolder
from reverie.weights.checkpoint import Description, load_model
from reverie.weights.embedded import adaptive_path

COMPARED = (*LEVELS, "mixed4c")  # layers whose style is compared
IDENTITIES = 8  # one picture of so many is its own style
SOFT = 1e-3  # of a style's variance, so that flat styles divide by something


def open_adaptive(config: AdaptiveConfig, run: RunFolder) -> ImageTraining:
    """Return the training; a checkpoint in `run` is gone on with.

    Raises:
        DataError: the data cannot be used, or changed since the checkpoint.
        WeightsError: a damaged checkpoint.
        InputError: settings out of range, or other than those of the run being resumed.
    """
    check_adaptive(config)
    task = AdaptiveTask(
        CropPool([Path(text) for text in config.contents]),
        CropPool([Path(text) for text in config.styles], leave_out=config.leave_out), config,
    )  # fmt: skip
    with private_random(task.device, config.seed):
        net = _first(config, task.critic)
    net = net.to(task.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    summary = f"{task.contents.count} pictures, {task.styles.count} styles"
    return ImageTraining(
        net, task.losses, task.digest, run, config, task.description, summary=summary, half=True,
        close=task.batches.close, chosen=Chosen(device=str(task.device), config={"precision": task.precision}),
        notes=lambda: (*task.contents.notes, *task.styles.notes),
    )  # fmt: skip


def _first(config: AdaptiveConfig, critic: Critic) -> AdaptiveDecoder:
    """Return the network before its first step: fresh, or as an earlier training left it.

    Raises:
        InputError: the earlier network is of another kind, or for another encoder.
        WeightsError: it is damaged.
    """
    if not config.init:
        return AdaptiveDecoder()
    path = adaptive_path() if config.init == SHIPPED else Path(config.init)
    state, about = load_model(path)
    if about.kind != "adaptive" or about.data.get("encoder") != critic.identity.sha256:
        raise InputError(f"--init '{path.name}' is no network for any style by today's embedded network")
    net = AdaptiveDecoder()
    if about.options != net.options:
        raise InputError(f"--init '{path.name}' has other widths than a network trained today: {about.options}")
    check_fit(net.state_dict(), state, path.name)
    net.load_state_dict(state)
    return net


@dataclass(eq=False)
class AdaptiveTask:
    """Batches of contents and styles, and what is wrong with a picture stylized from them."""

    contents: CropPool
    styles: CropPool
    config: AdaptiveConfig

    def __post_init__(self) -> None:
        self.device = resolve_device(self.config.device)
        self.precision: Precision = resolve_precision(self.config.precision, self.device)
        self.critic: Critic = open_critic(device=str(self.device), precision=self.precision)
        self.critics: list[tuple[Critic, tuple[str, ...]]] = [(self.critic, COMPARED)]
        if self.config.judge is not None:
            other = open_critic(
                self.config.judge, self.config.judge_weights, device=str(self.device), precision=self.precision
            )
            self.critics.append((other, tuple(name for name, _ in style_layers(other, (), ()).style if name != IMAGE)))
        self.batches = Ahead(self._batch, 0 if self.device.type == "cpu" else max(1, (os.cpu_count() or 2) - 2))

    @property
    def digest(self) -> str:
        return f"{self.contents.digest}/{self.styles.digest}"

    def description(self, net: nn.Module, metrics: dict[str, float]) -> Description:
        """Return what the network's file says of itself."""
        assert isinstance(net, AdaptiveDecoder)
        about: dict[str, Any] = {
            "contents": self.contents.count, "styles": self.styles.count, "digest": seed_of(self.digest),
            "encoder": self.critic.identity.sha256,
        }  # fmt: skip
        description = Description(
            architecture="adaptive", classes=(), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
            input_px=self.config.crop_px, kind="adaptive", options=net.options, metrics=metrics, data=about,
        )  # fmt: skip
        return dated(description, self.config)

    def losses(self, net: nn.Module, step: int) -> dict[str, Tensor]:
        """Return the weighted losses of one step."""
        content, style = self.batch(step)
        with torch.no_grad():
            here, seen = self.critic(content, LEVELS), [critic(style, names) for critic, names in self.critics]
            there = seen[0]
            features = [here[name] for name in LEVELS]
            own, target = statistics_of(features), statistics_of([there[name] for name in LEVELS])
            wanted = restyled(features[-1].float(), own, target, len(LEVELS) - 1)
        with autocast(self.device, self.precision):
            stylized = net(features, own, target)
        return self._compared(stylized.float(), content, wanted, target, seen)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return contents and styles ``[B, 3, P, P]``; some contents are their own style."""
        content, style = self.batches.at(step)
        return content.to(self.device), style.to(self.device)

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        c, generator = self.config, seeded(self.config.seed, "batch", step)
        content = self.contents.crops(c.batch, c.crop_px, generator)
        style = varied_colors(self.styles.crops(c.batch, c.crop_px, generator), generator)
        own = max(1, c.batch // IDENTITIES)
        style[:own] = content[:own]
        return content, style

    def _compared(
        self, stylized: Tensor, content: Tensor, wanted: Tensor, target: Statistics, seen: list[dict[str, Tensor]]
    ) -> dict[str, Tensor]:
        c, own = self.config, max(1, len(stylized) // IDENTITIES)
        looks = [critic(stylized, names) for critic, names in self.critics]
        found = looks[0]
        deepest = found[LEVELS[-1]].float()
        varies = target.std[-1].square().mean(dim=1, keepdim=True).clamp(min=1e-4)
        styles = torch.stack([
            style_distance(look[name].float(), there[name].float())
            for look, there, (_, names) in zip(looks, seen, self.critics, strict=True) for name in names
        ])  # fmt: skip
        return {
            "content": c.content * ((deepest - wanted).square() / varies).mean(),
            "style": c.style * styles.mean(),
            "identity": c.identity * (stylized[:own] - content[:own]).abs().mean() / 0.2,
            "smooth": c.smooth * variation(stylized[own:]),
        }


def style_distance(found: Tensor, target: Tensor) -> Tensor:
    """Return how far features' means, deviations and covariances are from a style's, relative to its own."""
    (m, c), (mt, ct) = _gaussian(found), _gaussian(target)
    deviation, wanted = (x.diagonal(dim1=1, dim2=2).clamp(min=1e-6).sqrt() for x in (c, ct))
    spread = wanted.square().mean(1) + SOFT
    first = ((m - mt).square().mean(1) + (deviation - wanted).square().mean(1)) / spread
    second = (c - ct).square().sum((1, 2)) / (ct.square().sum((1, 2)) + SOFT)
    return (first + second).mean()


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return means ``[B, C]`` and covariances ``[B, C, C]``."""
    rows = features.flatten(2)
    mean = rows.mean(2)
    centered = rows - mean[:, :, None]
    return mean, centered @ centered.mT / rows.shape[2]


def variation(images: Tensor) -> Tensor:
    """Return the mean absolute difference of neighbors."""
    return (images.diff(dim=2).abs().mean() + images.diff(dim=3).abs().mean()) / 2


def varied_colors(styles: Tensor, generator: torch.Generator) -> Tensor:
    """Return styles of which half have their color channels exchanged or inverted: few paintings, many palettes."""
    varied = []
    for style in styles:
        draw = torch.rand(2, generator=generator).tolist()
        order = torch.randperm(3, generator=generator)
        style = style[order] if draw[0] < 0.4 else style
        varied.append(1 - style if draw[1] < 0.1 else style)
    return torch.stack(varied)
