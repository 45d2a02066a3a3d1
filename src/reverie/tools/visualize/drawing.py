"""Draw what a network has learned: its classes, channels, neurons and layers, from noise.

A class is drawn by many random crops per step, each at the network's own input size, so that the object is found in
the whole picture as well as in parts of it. Channels and neurons are drawn at the scale at which they look.
Source: Olah, Mordvintsev, Schubert 2017, "Feature Visualization", doi 10.23915/distill.00007; the priors name theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator, Tensor

from reverie.canvas.low_pass import LowPassCanvas
from reverie.critic.critic import LOGITS, Critic
from reverie.errors import InputError
from reverie.numerics.color import correlation_matrix
from reverie.numerics.resample import resize
from reverie.objective import Objective, bn_statistics, likeness, logit, total_variation
from reverie.optimize.ascend import ascend_canvas
from reverie.optimize.ensemble import Ensemble, Slope
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms
from reverie.optimize.views import Views
from reverie.settings import check_settings
from reverie.tools.visualize.config import VisualizeConfig
from reverie.tools.visualize.priors import PRIORS, Prior, Start
from reverie.tools.visualize.targets import Target, find_targets
from reverie.tools.visualize.verify import Verdict, check_verifier, same_class, verify

CLASS_PX, FEATURE_PX = 256, 160
SHIFTED = Transforms(jitter_px=8, scale=0.1, rotate_deg=8.0, noise=0.02)  # how features are looked at
FEWER = 2  # times fewer crops for the second network, which sees them larger
CENTERED = Transforms(jitter_px=2, scale=0.05, rotate_deg=5.0, noise=0.02)  # a neuron has its place


@dataclass(frozen=True, eq=False)
class Drawing:
    """The finished pictures of one target.

    Attributes:
        target: what they show.
        seed: the seed that was kept.
        images: ``[B, 3, H, W]`` in [0, 1].
        attention: ``[B, H, W]``, magnitude of the gradient at every pixel, summed over the steps.
        verdicts: one per picture.
    """

    target: Target
    seed: int
    images: Tensor
    attention: Tensor
    verdicts: tuple[Verdict, ...]

    @property
    def score(self) -> float:
        """Mean score of the verdicts."""
        return sum(v.score for v in self.verdicts) / len(self.verdicts)


@dataclass(frozen=True, eq=False)
class VisualizeStep:
    """One step of one seed of one target; the last step of a target brings its `drawing`.

    `target`, `run` and `index` count from 1, out of `targets`, `runs` and `steps`; `images` is valid until the next.
    """

    target: int
    targets: int
    run: int
    runs: int
    index: int
    steps: int
    name: str
    score: float
    images: Tensor
    drawing: Drawing | None = None


@dataclass(frozen=True, eq=False)
class Networks:
    """Which networks take part: one draws, a second may draw with it, another may choose among seeds."""

    critic: Critic
    ensemble: Critic | None = None
    verifier: Critic | None = None


def visualize_steps(
    config: VisualizeConfig, critic: Critic, *, verifier: Critic | None = None, ensemble: Critic | None = None,
    profile: Tensor | None = None, targets: Sequence[Target] | None = None,
) -> Iterator[VisualizeStep]:  # fmt: skip
    """Draw all targets, one after the other; each picture depends on its own target and seed alone.

    Args:
        config: the settings.
        critic: the network.
        verifier: a second network that chooses among seeds; absent, held-out crops of the first.
        ensemble: a second network that draws classes together with the first.
        profile: a measured spectrum for the prior ``maco``, see `reverie.numerics.radial`.
        targets: what to draw, if not all that the settings name.

    Raises:
        InputError: settings that do not fit the network.
        GradientError: nothing reaches the picture.
    """
    check_settings(config)
    targets = find_targets(config, critic) if targets is None else targets
    networks = Networks(critic, ensemble, verifier)
    check_plan(config, networks, targets)
    for number, target in enumerate(targets, start=1):
        for step in _best(target, config, networks, profile):
            yield replace(step, target=number, targets=len(targets))


def picture_size(config: VisualizeConfig, target: Target) -> tuple[int, int]:
    """Return height and width of a target's pictures."""
    height = config.size or (CLASS_PX if target.class_index is not None else FEATURE_PX)
    return height, config.width or height


def check_plan(config: VisualizeConfig, networks: Networks, targets: Sequence[Target]) -> None:
    """Refuse what could only fail later.

    Raises:
        InputError: a picture too small for the network, a prior that it cannot have, or another network without the
            class.
    """
    critic = networks.critic
    if config.prior == "bn":
        bn_statistics(critic.norms)
    for target in targets:
        check_verifier(target, critic, networks.verifier)
        if networks.ensemble is not None and target.class_index is not None:
            same_class(critic, target.class_index, networks.ensemble, "ensemble")
        size = picture_size(config, target)
        side = side_px(critic, size)
        seen = (side, side) if target.class_index is not None else size
        if not critic.accepts(seen):
            names = [target.layer] if target.layer != LOGITS else []
            raise InputError(critic.too_small(size, names))


def side_px(critic: Critic, size: tuple[int, int]) -> int:
    """Return the height and width of a crop as the network sees it."""
    return max(critic.min_side, min(critic.identity.input_px, *size))


def _best(
    target: Target, config: VisualizeConfig, networks: Networks, profile: Tensor | None
) -> Iterator[VisualizeStep]:
    """Draw one target with every seed; the last step of all brings the best drawing, of equals the first."""
    best: Drawing | None = None
    for run in range(config.best_of):
        for step in _one(target, replace(config, seed=config.seed + run), networks, profile):
            done = step.drawing
            if done is not None and (best is None or done.score > best.score):
                best = done
            last = done is not None and run + 1 == config.best_of
            yield replace(step, run=run + 1, runs=config.best_of, drawing=best if last else None)


def _one(
    target: Target, config: VisualizeConfig, networks: Networks, profile: Tensor | None
) -> Iterator[VisualizeStep]:
    """Draw one target with one seed; the last step brings the drawing."""
    critic, prior, size = networks.critic, PRIORS[config.prior], picture_size(config, target)
    steps, generator = config.steps or prior.steps, Generator().manual_seed(config.seed)
    start = Start(size, config.batch, correlation_matrix(critic.identity.color_correlation), profile)
    canvas = prior.canvas(start, generator)
    canvas = (LowPassCanvas(canvas, size, config.cut) if config.cut > 0 else canvas).to(critic.device)
    ascent = _slope(target, prior, config, networks)
    attention = torch.zeros(config.batch, 1, *size, device=critic.device)
    moments = ascend_canvas(canvas, ascent, steps, prior.rule, generator, attention=attention)
    for index, (score, _, images) in enumerate(moments, start=1):
        step = VisualizeStep(1, 1, 1, 1, index, steps, target.name, score, images)
        if index == steps:
            verdicts = verify(images, target, critic, networks.verifier)
            drawing = Drawing(target, config.seed, images.cpu(), attention[:, 0].cpu(), verdicts)
            step = replace(step, drawing=drawing)
        yield step


def _slope(target: Target, prior: Prior, config: VisualizeConfig, networks: Networks) -> Slope:
    """Return what is raised: by the network, and where there is a second one that knows the class, by both equally."""
    critic, size = networks.critic, picture_size(config, target)
    own = Ascent(critic, _objective(target, prior, config, critic), _looks(target, config, critic, size))
    second = networks.ensemble
    if second is None or target.class_index is None:
        return own
    crops = max(1, config.crops // FEWER)
    index = same_class(critic, target.class_index, second, "ensemble")
    views = _looks(target, replace(config, crops=crops), second, size)
    return Ensemble(((1 / config.crops, own), (1 / crops, Ascent(second, _of_class(index, config), views))))


def _of_class(index: int, config: VisualizeConfig) -> Objective:
    weight = config.log_probability
    return logit(index) + weight * logit(index, log_probability=True) if weight > 0 else logit(index)


def _objective(target: Target, prior: Prior, config: VisualizeConfig, critic: Critic) -> Objective:
    total = target.objective if target.class_index is None else _of_class(target.class_index, config)
    if prior.statistics > 0:
        total = total - prior.statistics * bn_statistics(critic.norms)
    if prior.smooth > 0:
        total = total - prior.smooth * total_variation()
    if config.batch > 1 and config.diversity > 0:
        name = target.layer if target.layer != LOGITS else critic.identity.default_layers[0]
        total = total - config.diversity * likeness(name, config.batch)
    return total


def _looks(target: Target, config: VisualizeConfig, critic: Critic, size: tuple[int, int]) -> Views | Transforms:
    if target.class_index is None:
        return CENTERED if target.centered else SHIFTED
    return Views(config.crops, side_px(critic, size), config.smallest, noise=config.noise)


OPAQUE_FROM = 0.8  # share of the pixels that get less attention than full opacity takes
GRAIN = 64  # attention is smoothed to this many cells along the shorter side: single pixels mean nothing


def opacity(attention: Tensor) -> Tensor:
    """Return ``[B, H, W]`` in [0, 1]: attention smoothed, cut at a percentile, divided by it.

    Source: Fel et al. 2023, arXiv 2306.06805, section 3.3; the percentile is that of their figures.
    """
    height, width = attention.shape[-2:]
    factor = min(1.0, GRAIN / min(height, width))
    coarse = (max(1, round(height * factor)), max(1, round(width * factor)))
    smooth = resize(resize(attention[:, None], coarse), (height, width))[:, 0].clamp_min(0)
    most = torch.quantile(smooth.flatten(1), OPAQUE_FROM, dim=1).clamp_min(torch.finfo(torch.float32).tiny)
    return (smooth / most[:, None, None]).clamp(0, 1)
