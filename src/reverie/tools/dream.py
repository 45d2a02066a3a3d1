"""DeepDream: raise what a network sees in a picture, from coarse to fine.

At every octave the picture is the original at that size plus the *detail* dreamt so far, so the photo's own fine
structure is never lost; no steps at all give back the input, bit for bit.
Source: Mordvintsev, Olah, Tyka 2015, "Inceptionism", and the notebook published with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Generator, Tensor

from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.numerics.color import correlation_matrix
from reverie.numerics.resample import long_side, octave_sizes, resize
from reverie.objective import Objective, channel, direction, layer, logit, total_variation
from reverie.objective.channel import check_channels
from reverie.optimize.ascend import Step, StepRule, ascend_canvas, ascend_pixels
from reverie.optimize.gradient import Ascent, balanced
from reverie.optimize.tiles import Tile, fits_whole, memory_budget, plan_tiles, tile_for_budget
from reverie.optimize.transforms import Transforms
from reverie.settings import check_settings
from reverie.tools.dream_config import DreamConfig
from reverie.tools.seed import seed_for as seed_for

SMALLEST_PX = 64  # shorter side of the coarsest octave: below it there is nothing left of a photo
NOISE_PX = 512
NOISE_TRANSFORMS = Transforms(jitter_px=16, scale=0.1, rotate_deg=8.0, noise=0.02)
NOISE_STEPS_PER_STEP = 6  # the spectrum needs some 256 steps where a photo needs 40
SPECTRUM_LR = 0.05  # Lucid's


@dataclass(frozen=True)
class Plan:
    """All decisions of a dream, taken before its first step; `--dry-run` prints it."""

    size: tuple[int, int]
    sizes: tuple[tuple[int, int], ...]
    steps: int
    layers: tuple[str, ...]
    canvas: str
    tile_px: int
    halo_px: int
    align_px: int

    def tiles(self, size: tuple[int, int]) -> tuple[Tile, ...]:
        """Return the tiles of one octave; none if it is worked in one piece."""
        if self.tile_px == 0 or max(size) <= self.tile_px:
            return ()
        return plan_tiles(size, self.tile_px, self.halo_px, self.align_px)


def dream_steps(
    image: Tensor | None, config: DreamConfig, *, critic: Critic | None = None, mask: Tensor | None = None,
    plan: Plan | None = None,
) -> Iterator[Step]:  # fmt: skip
    """Dream a picture and yield a `Step` per iteration; the last step's images are the result.

    Args:
        image: ``[1, 3, H, W]`` float32 in [0, 1], already at its final size; ``None`` dreams from noise.
        config: the settings; `size`, `model` and `mask` are resolved by the caller (see `reverie.api`).
        critic: an open network; opened from the settings if absent.
        mask: ``[1, 1, H, W]`` in [0, 1], one where to dream.
        plan: from `plan_dream`, if it was made already.

    Raises:
        InputError: settings that do not fit the network or the picture.
        GradientError: nothing reaches the picture.
    """
    check_settings(config)
    critic = critic or open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    plan = plan or plan_dream(None if image is None else (image.shape[-2], image.shape[-1]), config, critic)
    objective = build_objective(config, critic)
    if plan.canvas == "spectrum":
        yield from _dream_spectrum(image, config, critic, objective, plan)
    else:
        yield from _dream_pixels(image, config, critic, objective, plan, mask)


def plan_dream(
    size: tuple[int, int] | None, config: DreamConfig, critic: Critic, *, used_bytes: float | None = None
) -> Plan:
    """Decide sizes, steps and tiles; `used_bytes` is the memory already in use, measured now if absent.

    Raises:
        InputError: the picture is too small for the network, or the memory too little.
    """
    check_settings(config)
    full = final_size(size, config)
    objective = build_objective(config, critic)
    names = tuple(sorted(objective.layers - {"image"}))
    if min(full) < critic.stride(names) or not critic.accepts(full):
        raise InputError(critic.too_small(full, names))
    spectrum = config.canvas == "spectrum" or (config.canvas == "auto" and size is None)
    sizes = [full] if spectrum else octave_sizes(full, config.octaves, config.octave_scale, SMALLEST_PX)
    while not critic.accepts(sizes[0]):  # some networks need more than SMALLEST_PX
        sizes = sizes[1:]
    steps = config.steps * (config.octaves * NOISE_STEPS_PER_STEP if spectrum else len(sizes)) * config.iterations
    tile, halo, align = (0, 0, 1) if spectrum else _tiling(full, config, critic, objective, names, used_bytes)
    return Plan(full, tuple(sizes), steps, names, "spectrum" if spectrum else "pixels", tile, halo, align)


def final_size(size: tuple[int, int] | None, config: DreamConfig) -> tuple[int, int]:
    """Return the size of the result for a picture of `size`, or for none."""
    if size is None:
        return config.size or NOISE_PX, config.size or NOISE_PX
    return size if config.size is None else long_side(size, config.size)


def _tiling(
    size: tuple[int, int], config: DreamConfig, critic: Critic, objective: Objective, names: tuple[str, ...],
    used_bytes: float | None,
) -> tuple[int, int, int]:  # fmt: skip
    budget, used = memory_budget(config.max_memory, critic.device)
    used = used if used_bytes is None else used_bytes
    tile, per_px = config.tile or 0, critic.bytes_per_pixel(names)
    if not tile and fits_whole(size, budget, per_px, used_bytes=used):
        return 0, 0, 1
    ascent = Ascent(critic, objective, _transforms(config))
    align, halo = critic.stride(names), critic.halo(names) if ascent.local else 0
    if config.max_memory is not None or not tile:
        fitting = tile_for_budget(size, budget, per_px, halo, align, used_bytes=used)
        tile = min(tile, fitting) if tile and fitting else tile or fitting
    if tile and tile < max(size):
        ascent.check_tiling()
    return tile, halo, align


def build_objective(config: DreamConfig, critic: Critic) -> Objective:
    """Return what the settings ask to raise.

    Raises:
        LayerError: a layer, channel or class that the network does not have.
    """
    if config.class_name is not None:
        objective = _class_objective(config.class_name, critic)
    else:
        objective = _layers_objective(config, critic)
    return objective - config.smooth * total_variation() if config.smooth > 0 else objective


def _layers_objective(config: DreamConfig, critic: Critic) -> Objective:
    names = config.layer or critic.identity.default_layers
    if config.channel and len(names) > 1:
        raise InputError("--channel goes with one --layer")
    total: Objective | None = None
    for text in names:
        name, weight = _weighted(text)
        found = critic.layer(name)
        if config.channel:
            check_channels(name, config.channel, found.channels)
            term = channel(name, *config.channel, form=_form(config.objective))
        else:
            term = layer(name, _form(config.objective))
        total = weight * term if total is None else total + weight * term
    assert total is not None
    return total


def _form(name: str) -> Any:
    return name


def _weighted(text: str) -> tuple[str, float]:
    name, colon, weight = text.rpartition(":")
    if not colon:
        return text, 1.0
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"--layer must look like NAME or NAME:WEIGHT; got '{text}'")
    return name, value


def _class_objective(name: str, critic: Critic) -> Objective:
    index = critic.class_index(name)
    found = critic.class_direction(index)
    return logit(index) if found is None else direction(*found, power=0)


def _transforms(config: DreamConfig) -> Transforms:
    return Transforms(config.jitter, config.jitter_scale, config.jitter_rotate, 1.0, config.jitter_noise)


def _dream_pixels(
    image: Tensor | None, config: DreamConfig, critic: Critic, objective: Objective, plan: Plan, mask: Tensor | None
) -> Iterator[Step]:
    generator = Generator().manual_seed(config.seed)
    if image is None:
        image = PixelCanvas.noise(plan.size, generator).pixels.detach()
    source = image.to(critic.device)
    mask = None if mask is None else mask.to(critic.device)
    ascent = Ascent(critic, objective, _transforms(config))
    rule = StepRule(config.step_size, config.normalize)
    if config.steps == 0:
        yield Step(0, 0, len(plan.sizes), len(plan.sizes), 0.0, plan.size, 0.0, source)
        return
    count = 0
    for _ in range(config.iterations):
        detail: Tensor | None = None
        for octave, size in enumerate(plan.sizes, start=1):
            base = source if size == plan.size else resize(source, size).clamp_(0, 1)
            part = None if mask is None else resize(mask, size).clamp(0, 1)
            canvas = PixelCanvas(base if detail is None else _detailed(base, detail, part))
            if count == 0:
                balance = balanced(ascent, canvas.pixels.detach(), generator, plan.tiles(size))
                ascent = replace(ascent, objective=balance)
            tiles = plan.tiles(size)
            for score, seconds in ascend_pixels(canvas, ascent, rule, config.steps, generator, tiles=tiles, mask=part):
                count += 1
                yield Step(count, plan.steps, octave, len(plan.sizes), score, size, seconds, canvas.pixels.detach())
            if octave < len(plan.sizes):
                detail = canvas.pixels.detach() - base
            else:
                source = canvas.pixels.detach()


def _detailed(base: Tensor, detail: Tensor, part: Tensor | None) -> Tensor:
    """Return `base` with the detail of a coarser octave (given up); the mask cuts off what enlarging spreads."""
    enlarged = resize(detail, (base.shape[-2], base.shape[-1]))
    if part is not None:
        enlarged.mul_(part > 0)
    return enlarged.add_(base).clamp_(0, 1)


def _dream_spectrum(
    image: Tensor | None, config: DreamConfig, critic: Critic, objective: Objective, plan: Plan
) -> Iterator[Step]:
    generator = Generator().manual_seed(config.seed)
    matrix = correlation_matrix(critic.identity.color_correlation)
    if image is None:
        canvas = SpectrumCanvas.noise(plan.size, generator, matrix=matrix, spread=0.2)
    else:
        canvas = SpectrumCanvas.from_images(image, matrix=matrix)
    transforms = NOISE_TRANSFORMS if not _transforms(config).resamples else _transforms(config)
    canvas = canvas.to(critic.device)
    if plan.steps == 0:
        yield Step(0, 0, 1, 1, 0.0, plan.size, 0.0, canvas().detach() if image is None else image.to(critic.device))
        return
    ascent = Ascent(critic, objective, transforms)
    ascent = replace(ascent, objective=balanced(ascent, canvas().detach(), generator))
    moments = ascend_canvas(canvas, ascent, plan.steps, SPECTRUM_LR, generator)
    for index, (score, seconds, images) in enumerate(moments, start=1):
        yield Step(index, plan.steps, 1, 1, score, plan.size, seconds, images)
