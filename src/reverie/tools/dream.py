"""DeepDream: raise what a network sees in a picture, from coarse to fine.

At every octave the picture is the original at that size plus the *detail* dreamt so far, so the photo's own fine
structure is never lost; no steps at all give back the input, bit for bit.
Source: Mordvintsev, Olah, Tyka 2015, "Inceptionism", and the notebook published with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from torch import Generator, Tensor

from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.numerics.color import correlation_matrix, with_chroma_of
from reverie.numerics.resample import long_side, octave_sizes, resize
from reverie.optimize.ascend import Step, StepRule, ascend_canvas, ascend_pixels
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import Tile, fits_whole, memory_budget, plan_tiles, tile_for_budget
from reverie.optimize.together import Together
from reverie.optimize.transforms import Transforms
from reverie.settings import check_settings
from reverie.tools.dream_config import DreamConfig
from reverie.tools.dream_objective import build_ascent
from reverie.tools.dream_rules import check_together
from reverie.tools.seeds import seed_for as seed_for

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
    plan: Plan | None = None, ascent: Ascent | Together | None = None,
) -> Iterator[Step]:  # fmt: skip
    """Dream a picture and yield a `Step` per iteration; the last step's images are the result.

    Args:
        image: ``[1, 3, H, W]`` float32 in [0, 1], already at its final size; ``None`` dreams from noise.
        config: the settings; `size`, `model` and `mask` are resolved by the caller (see `reverie.api`).
        critic: an open network; opened from the settings if absent.
        mask: ``[1, 1, H, W]`` in [0, 1], one where to dream.
        plan: from `plan_dream`, if it was made already.
        ascent: what is raised, from `build_ascent`, if it was made already.

    Raises:
        InputError: settings that do not fit the network or the picture.
        GradientError: nothing reaches the picture.
    """
    check_settings(config)
    check_together(config, has_picture=image is not None)
    critic = critic or open_critic(config.model, config.weights, device=config.device, precision=config.precision)
    ascent = ascent or build_ascent(config, critic)
    plan = plan or plan_dream(None if image is None else (image.shape[-2], image.shape[-1]), config, critic, ascent)
    if plan.canvas == "spectrum":
        assert isinstance(ascent, Ascent)
        steps = _dream_spectrum(image, config, ascent, plan)
    else:
        steps = _dream_pixels(image, config, ascent, plan, mask)
    for step in steps:
        if config.keep_colors and image is not None and step.index == step.total:
            step = replace(step, images=with_chroma_of(step.images, image.to(step.images)))
        yield step


def plan_dream(
    size: tuple[int, int] | None, config: DreamConfig, critic: Critic, ascent: Ascent | Together | None = None
) -> Plan:
    """Decide sizes, steps and tiles.

    Raises:
        InputError: the picture is too small for the network, or the memory too little.
    """
    check_settings(config)
    full = final_size(size, config)
    ascent = ascent or build_ascent(config, critic)
    names = tuple(sorted(ascent.layers - {"image"}))
    if min(full) < critic.stride(names) or not critic.accepts(full):
        raise InputError(critic.too_small(full, names))
    spectrum = config.canvas == "spectrum" or (config.canvas == "auto" and size is None)
    sizes = [full] if spectrum else octave_sizes(full, config.octaves, config.octave_scale, SMALLEST_PX)
    while not critic.accepts(sizes[0]):  # some networks need more than SMALLEST_PX
        sizes = sizes[1:]
    steps = config.steps * (config.octaves * NOISE_STEPS_PER_STEP if spectrum else len(sizes)) * config.iterations
    tile, halo, align = (0, 0, 1) if spectrum else _tiling(full, config, critic, ascent, names)
    return Plan(full, tuple(sizes), steps, names, "spectrum" if spectrum else "pixels", tile, halo, align)


def final_size(size: tuple[int, int] | None, config: DreamConfig) -> tuple[int, int]:
    """Return the size of the result for a picture of `size`, or for none."""
    if size is None:
        return config.size or NOISE_PX, config.size or NOISE_PX
    return size if config.size is None else long_side(size, config.size)


def _tiling(
    size: tuple[int, int], config: DreamConfig, critic: Critic, ascent: Ascent | Together, names: tuple[str, ...]
) -> tuple[int, int, int]:
    budget, used = memory_budget(config.max_memory, critic.device)
    tile, per_px = config.tile or 0, critic.bytes_per_pixel(names)
    if not tile and fits_whole(size, budget, per_px, used_bytes=used):
        return 0, 0, 1
    align, halo = critic.stride(names), critic.halo(names) if ascent.local else 0
    if config.max_memory is not None or not tile:
        fitting = tile_for_budget(size, budget, per_px, halo, align, used_bytes=used)
        tile = min(tile, fitting) if tile and fitting else tile or fitting
    if tile and tile < max(size):
        ascent.check_tiling()
    return tile, halo, align


def _dream_pixels(
    image: Tensor | None, config: DreamConfig, ascent: Ascent | Together, plan: Plan, mask: Tensor | None
) -> Iterator[Step]:
    generator = Generator().manual_seed(config.seed)
    if image is None:
        image = PixelCanvas.noise(plan.size, generator).pixels.detach()
    source = image.to(ascent.device)
    mask = None if mask is None else mask.to(ascent.device)
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
            canvas = PixelCanvas(base if detail is None else _detailed(base, detail, _reach(ascent, part, size)))
            tiles = plan.tiles(size)
            if count == 0:
                ascent = ascent.balanced(canvas.pixels.detach(), generator, tiles, base)
            here = ascent.on(base)
            for score, seconds in ascend_pixels(canvas, here, rule, config.steps, generator, tiles=tiles, mask=part):
                count += 1
                yield Step(count, plan.steps, octave, len(plan.sizes), score, size, seconds, canvas.pixels.detach())
            if octave < len(plan.sizes):
                detail = canvas.pixels.detach() - base
            else:
                source = canvas.pixels.detach()


def _reach(ascent: Ascent | Together, mask: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """Return where an octave may change the picture; none if everywhere."""
    cover = ascent.cover(size) if isinstance(ascent, Together) else None
    return mask if cover is None else cover if mask is None else cover * mask


def _detailed(base: Tensor, detail: Tensor, part: Tensor | None) -> Tensor:
    """Return `base` with the detail of a coarser octave (given up); the mask cuts off what enlarging spreads."""
    enlarged = resize(detail, (base.shape[-2], base.shape[-1]))
    if part is not None:
        enlarged.mul_(part > 0)
    return enlarged.add_(base).clamp_(0, 1)


def _dream_spectrum(image: Tensor | None, config: DreamConfig, ascent: Ascent, plan: Plan) -> Iterator[Step]:
    generator = Generator().manual_seed(config.seed)
    device = ascent.device
    matrix = correlation_matrix(ascent.critic.identity.color_correlation)
    if image is None:
        canvas = SpectrumCanvas.noise(plan.size, generator, matrix=matrix, spread=0.2)
    else:
        canvas = SpectrumCanvas.from_images(image, matrix=matrix)
        ascent = ascent.on(image.to(device))
    if not ascent.transforms.resamples:
        ascent = replace(ascent, transforms=NOISE_TRANSFORMS)
    canvas = canvas.to(device)
    if plan.steps == 0:
        yield Step(0, 0, 1, 1, 0.0, plan.size, 0.0, canvas().detach() if image is None else image.to(device))
        return
    ascent = ascent.balanced(canvas().detach(), generator)
    moments = ascend_canvas(canvas, ascent, plan.steps, SPECTRUM_LR, generator)
    for index, (score, seconds, images) in enumerate(moments, start=1):
        yield Step(index, plan.steps, 1, 1, score, plan.size, seconds, images)
