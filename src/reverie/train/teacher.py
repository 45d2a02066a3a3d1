"""Feature distillation: layers of a network learn to foretell layers of a teacher, beside the classes.

Source: Romero et al. 2014, arXiv 1412.6550, equation 3 (a layer of the student, through a learned map, against one of
the teacher). Differs: the map is a 1x1 convolution, every channel of the teacher counts in units of its strength on
photographs, and of two grids the finer one is averaged to the coarser.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.critic.families import FAMILIES
from reverie.critic.layers import on_meta, trace
from reverie.critic.open import open_critic
from reverie.critic.statistics import statistics_of
from reverie.errors import InputError, LayerError, unknown_name
from reverie.numerics.resample import resize
from reverie.train.classifier_config import ClassifierConfig

LEAST_PX = 64  # of the pictures that layers are counted on


@dataclass(frozen=True)
class Pair:
    """A layer of the network that learns, the teacher's layer that it foretells, and what that weighs."""

    own: str
    theirs: str
    weight: float = 1.0


def parsed_pairs(texts: Sequence[str]) -> tuple[Pair, ...]:
    """Return the pairs of texts ``OWN=THEIRS`` or ``OWN=THEIRS:WEIGHT``.

    Raises:
        InputError: a text of another form, or a weight that is no positive number.
    """
    return tuple(_pair(text) for text in texts)


def _pair(text: str) -> Pair:
    own, equals, theirs = text.partition("=")
    theirs, colon, number = theirs.partition(":")
    try:
        weight = float(number) if colon else 1.0
    except ValueError:
        weight = math.nan
    if not (own and equals and theirs) or not 0 < weight < math.inf:
        raise InputError(f"--distill must look like OWN=TEACHERS or OWN=TEACHERS:WEIGHT; got '{text}'")
    return Pair(own, theirs, weight)


class Teacher(nn.Module):
    """A frozen network, and the learned maps from layers of `net` to its layers.

    While it is attached, every forward pass of `net` leaves its layers here; `forward` compares the last ones.

    Args:
        critic: the teacher.
        net: the network that learns.
        paths: modules of `net`, one per pair.
        channels: that leave these modules.
        pairs: which layer learns which.
        weight: of all pairs together.
        zoom: how many times larger the teacher sees the pictures.

    Raises:
        LayerError: the teacher has no such layer.
    """

    def __init__(
        self, critic: Critic, net: nn.Module, paths: Sequence[str], channels: Sequence[int], pairs: Sequence[Pair], *,
        weight: float = 1.0, zoom: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.critic, self.pairs, self.weight, self.zoom = critic, tuple(pairs), weight, zoom
        self.names = tuple(dict.fromkeys(pair.theirs for pair in pairs))
        theirs = [critic.layer(pair.theirs).channels for pair in pairs]
        self.maps = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(channels, theirs, strict=True))
        self._scales = {
            name: (s.mean.view(1, -1, 1, 1).to(critic.device), s.std.view(1, -1, 1, 1).to(critic.device))
            for name, s in statistics_of(critic, self.names).items()
        }
        self._seen: dict[int, Tensor] = {}
        for number, path in enumerate(paths):
            net.get_submodule(path).register_forward_hook(self._keeper(number))

    def _keeper(self, number: int) -> Any:
        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            self._seen[number] = output

        return keep

    def forward(self, images: Tensor) -> Tensor:
        """Return the weighted mean squared error of all pairs on pictures ``[B, 3, H, W]`` in [0, 1].

        A pair's error is 1 where the map foretells nothing but each channel's mean, and 0 where it foretells all.
        """
        goals = self._goals(images)
        seen, self._seen = self._seen, {}
        total = torch.zeros((), device=images.device)
        for number, (pair, to_theirs) in enumerate(zip(self.pairs, self.maps, strict=True)):
            own = seen[number].float()
            own, goal = _same_grid(own if own.ndim == 4 else own[..., None, None], goals[pair.theirs])
            total = total + pair.weight * (to_theirs(own) - goal).square().mean()
        return self.weight * total / sum(pair.weight for pair in self.pairs)

    @torch.no_grad()
    def _goals(self, images: Tensor) -> dict[str, Tensor]:
        """Return the teacher's layers, each channel less its mean and divided by its strength."""
        if self.zoom != 1:
            images = resize(images, (round(images.shape[-2] * self.zoom), round(images.shape[-1] * self.zoom)))
        goals = {}
        for name, found in self.critic(images.detach().clamp(0, 1), self.names).items():
            mean, std = self._scales[name]
            goals[name] = ((found.float() if found.ndim == 4 else found.float()[..., None, None]) - mean) / std
        return goals


def _same_grid(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Average the finer of two activations to the size of the coarser one."""
    size = (min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3]))
    return F.adaptive_avg_pool2d(a, size), F.adaptive_avg_pool2d(b, size)


def open_teacher(config: ClassifierConfig, net: nn.Module, device: torch.device, processes: int) -> Teacher | None:
    """Return the teacher that settings ask for, attached to the network; None where they ask for none.

    Raises:
        InputError: a teacher without layers to learn, or several processes.
        LayerError: a layer that one of the networks does not have.
        WeightsError: the teacher cannot be read.
    """
    if not config.teacher:
        return None
    if processes > 1:
        raise InputError("--teacher works in one process; start it without accelerate or torchrun")
    pairs = parsed_pairs(config.distill)
    if not pairs:
        raise InputError("--teacher needs a layer that learns one of its layers: --distill OWN=TEACHERS")
    critic = open_critic(config.teacher, config.teacher_weights, device=str(device), precision=config.precision)
    found = [_own_layer(net, config, pair.own) for pair in pairs]
    paths, channels = [path for path, _ in found], [count for _, count in found]
    teacher = Teacher(
        critic, net, paths, channels, pairs, weight=config.distill_weight, zoom=config.teacher_zoom
    )  # fmt: skip
    return teacher.to(device)


def _own_layer(net: nn.Module, config: ClassifierConfig, name: str) -> tuple[str, int]:
    """Return module path and channels of a layer of the network that learns."""
    alias = FAMILIES[config.architecture].alias(net)
    side = max(LEAST_PX, config.input_px)
    shapes = dict(trace(on_meta(net).eval(), (side, side)))
    path = alias.get(name, name)
    if path not in shapes:
        raise LayerError(unknown_name("layer", name, list(alias)))
    return path, shapes[path][1]
