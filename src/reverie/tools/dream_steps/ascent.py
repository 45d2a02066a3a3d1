"""DeepDream: raise what a network sees in a picture, from coarse to fine.

At every octave the picture is the original at that size plus the *detail* dreamt so far, so the photo's own fine
structure is never lost; no steps at all give back the input, bit for bit.
Source: Mordvintsev, Olah, Tyka 2015, "Inceptionism", and the notebook published with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Generator, Tensor, nn

from reverie.canvas.masked import MaskedCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.errors import InputError
from reverie.jobs.seed import seed_for as seed_for
from reverie.numerics.color import correlation_matrix, with_chroma_of
from reverie.numerics.resample import long_side, octave_sizes, resize
from reverie.objective import Objective
from reverie.optimize.ascend import Step, ascend_canvas, ascend_pixels
from reverie.optimize.gradient import Ascent
from reverie.optimize.tiles import Tile, plan_tiles
from reverie.optimize.together import Together
from reverie.optimize.transforms import Transforms
from reverie.settings import check_settings, px_of
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream.rules import check_together
from reverie.tools.dream_steps.memory import IN_ONE_PIECE, MemoryPlan, memory_note, plan_memory
from reverie.tools.dream_steps.objective import build_ascent, transforms_of
from reverie.tools.dream_steps.steered import Steered

SMALLEST_PX = 64  # shorter side of the coarsest octave: below it there is nothing left of a photo
NOISE_PX = 512
NOISE_TRANSFORMS = Transforms(jitter_px=16, scale=0.1, rotate_deg=8.0, noise=0.02)
NOISE_STEPS_PER_STEP = 6  # the spectrum needs some 256 steps where a photo needs 40
SPECTRUM_LR = 0.05  # Lucid's, from noise
PHOTO_LR = 0.02  # keeps the photo recognizable over 40 steps: chosen by looking


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
    memory: MemoryPlan = IN_ONE_PIECE

    @property
    def pixel_steps(self) -> float:
        """Steps times pixels of all octaves: what the time of a dream goes with."""
        return sum(s[0] * s[1] for s in self.sizes) * self.steps / len(self.sizes)

    @property
    def note(self) -> str:
        """One line about tiles and memory."""
        return memory_note(self.memory, len(self.tiles(self.size)) or 1)

    def tiles(self, size: tuple[int, int]) -> tuple[Tile, ...]:
        """Return the tiles of one octave; none if it is worked in one piece."""
        if self.tile_px == 0 or max(size) <= self.tile_px:
            return ()
        return plan_tiles(size, self.tile_px, self.halo_px, self.align_px, even=not self.memory.disk)


def dream_steps(
    image: Tensor | None, config: DreamConfig, *, critic: Critic | None = None, mask: Tensor | None = None,
    plan: Plan | None = None, steered: Steered | None = None, objective: Objective | None = None,
    ascent: Ascent | Together | None = None, own: Tensor | None = None, standing: Standing | None = None,
) -> Iterator[Step]:  # fmt: skip
    """Dream a picture and yield a `Step` per iteration; the last step's images are the result.

    Args:
        image: ``[1, 3, H, W]`` float32 in [0, 1], already at its final size; ``None`` dreams from noise.
        config: the settings; `size`, `model` and `mask` are resolved by the caller (see `reverie.api`).
        critic: an open network; opened from the settings if absent.
        mask: ``[1, 1, H, W]`` in [0, 1], one where to dream.
        plan: from `plan_dream`, if it was made already.
        steered: from `open_steered`, if it was made already: it can change strength and layer between two steps.
        objective: what to raise, instead of what the settings say.
        ascent: the same with its views, from `build_ascent`, if it was made already.
        own: the undreamt picture, of the same size, if `image` is already dreamt on: what a caricature exaggerates and
            whose colors are kept.
        standing: where to go on, on pixels; it is kept up to date while the dream goes on.

    Raises:
        InputError: settings that do not fit the network or the picture.
        GradientError: nothing reaches the picture.
    """
    check_settings(config)
    check_together(config, has_picture=image is not None)
    critic = critic or _opened(config)
    ascent = ascent or _ascent(config, critic, objective)
    plan = plan or plan_dream(None if image is None else (image.shape[-2], image.shape[-1]), config, critic, ascent)
    steered = steered or open_steered(config, critic, plan, ascent)
    if plan.canvas == "spectrum":
        steps = _dream_spectrum(image, critic, steered, mask)
    else:
        steps = _dream_pixels(image, critic, steered, mask, own, standing or Standing())
    colors = image if own is None else own
    for step in steps:
        if config.keeps_colors and colors is not None and step.index == step.total:
            step = replace(step, images=with_chroma_of(step.images, colors.to(step.images)))
        yield step


def _opened(config: DreamConfig) -> Critic:
    return open_critic(config.model, config.weights, device=config.device, precision=config.precision, fuse=True)


def plan_dream(
    size: tuple[int, int] | None, config: DreamConfig, critic: Critic,
    raised: Objective | Ascent | Together | None = None, *, used_bytes: float | None = None, disk: bool | None = False,
) -> Plan:  # fmt: skip
    """Decide sizes, steps and tiles, for what the settings ask to raise or for something else.

    `used_bytes` is the memory already in use, measured now if absent; `disk` whether the picture may lie on disk, see
    `reverie.tools.dream_steps.memory`.

    Raises:
        InputError: the picture is too small for the network, or the memory too little.
    """
    check_settings(config)
    if config.blend and size is None:
        raise InputError("--blend needs a picture to mix back")
    full = final_size(size, config)
    ascent = _ascent(config, critic, raised) if raised is None or isinstance(raised, Objective) else raised
    names = tuple(sorted(ascent.layers - {"image"}))
    if min(full) < critic.stride(names) or not critic.accepts(full):
        raise InputError(critic.too_small(full, names, own=size))
    spectrum = config.canvas == "spectrum" or (config.canvas == "auto" and size is None)
    sizes = [full] if spectrum else octave_sizes(full, config.octaves, config.octave_scale, SMALLEST_PX)
    while not critic.accepts(sizes[0]):  # some networks need more than SMALLEST_PX
        sizes = sizes[1:]
    rounds = len(sizes) if not spectrum else config.octaves * (NOISE_STEPS_PER_STEP if size is None else 1)
    steps = config.steps * rounds * config.iterations
    if spectrum:
        return Plan(full, tuple(sizes), steps, names, "spectrum", 0, 0, 1)
    memory = plan_memory(full, config, critic, ascent, used_bytes=used_bytes, disk=disk)
    sides = (memory.tile_px, memory.halo_px, memory.align_px)
    return Plan(full, tuple(sizes), steps, names, "pixels", *sides, memory)


def final_size(size: tuple[int, int] | None, config: DreamConfig) -> tuple[int, int]:
    """Return the size of the result for a picture of `size`, or for none."""
    if size is None:
        side = px_of(config.size or NOISE_PX, NOISE_PX)
        return side, side
    return size if config.size is None else long_side(size, px_of(config.size, max(size)))


def _ascent(config: DreamConfig, critic: Critic, objective: Objective | None) -> Ascent | Together:
    return build_ascent(config, critic) if objective is None else Ascent(critic, objective, transforms_of(config))


def open_steered(config: DreamConfig, critic: Critic, plan: Plan, ascent: Ascent | Together) -> Steered:
    """Return the steered that `dream_steps` takes: whoever holds it can change it between two steps."""
    spectrum = plan.canvas == "spectrum"

    def viewed(found: Ascent | Together) -> Ascent | Together:
        plain = spectrum and isinstance(found, Ascent) and not found.transforms.resamples
        return replace(found, transforms=NOISE_TRANSFORMS) if plain else found

    def decide(changed: DreamConfig) -> tuple[Ascent | Together, Plan]:
        found = build_ascent(changed, critic)
        later = plan_dream(plan.size, replace(changed, size=None, canvas=plan.canvas), critic, found)
        return viewed(found), later

    return Steered(config, plan, viewed(ascent), Generator().manual_seed(config.seed), decide)


@dataclass(eq=False)
class Standing:
    """Where a dream on pixels stands; with it, another process goes on to the same bytes.

    Attributes:
        iteration: number of the round through all octaves, from 0.
        octave: number of the octave, from 0.
        step: steps done in it.
        index: steps done in all.
        pixels: ``[1, 3, h, w]``, the picture of this octave; None at its beginning.
        source: what this round began with, ``[1, 3, H, W]``; None for the picture itself.
        random: state of the generator, where it is gone on from here.
    """

    iteration: int = 0
    octave: int = 0
    step: int = 0
    index: int = 0
    pixels: Tensor | None = None
    source: Tensor | None = None
    random: Tensor | None = None


def _dream_pixels(
    image: Tensor | None, critic: Critic, steered: Steered, mask: Tensor | None, own: Tensor | None, at: Standing
) -> Iterator[Step]:
    config, plan, generator = steered.config, steered.plan, steered.generator
    if image is None:
        image = PixelCanvas.noise(plan.size, generator).pixels.detach()
    original = image.to(critic.device)
    mask = None if mask is None else mask.to(critic.device)
    if config.steps == 0:
        yield Step(0, 0, len(plan.sizes), len(plan.sizes), 0.0, plan.size, 0.0, original)
        return
    if at.random is not None:
        _begin_as_before(original, steered, plan, own)
        generator.set_state(at.random)
    detail: Tensor | None = None
    while at.iteration < config.iterations:
        source = original if at.source is None else at.source.to(original)
        base = _base(source, plan.sizes[at.octave], plan)
        yield from _octave(base, source, original, detail, mask, own, steered, plan, config, at)
        assert at.pixels is not None
        if at.octave + 1 == len(plan.sizes):
            at.source, detail = at.pixels, None
            at.iteration, at.octave = at.iteration + 1, 0
        else:
            detail = at.pixels - base
            at.octave += 1
        at.step, at.pixels = 0, None


def _base(source: Tensor, size: tuple[int, int], plan: Plan) -> Tensor:
    return source if size == plan.size else resize(source, size).clamp_(0, 1)


def _begin_as_before(original: Tensor, steered: Steered, plan: Plan, own: Tensor | None) -> None:
    """Balance the terms as at the very first step, of which a dream that is gone on with has only the outcome."""
    base = _base(original, plan.sizes[0], plan)
    steered.base = base if own is None else _base(own.to(base), plan.sizes[0], plan)
    steered.begin_step(base)


def _octave(
    base: Tensor, source: Tensor, original: Tensor, detail: Tensor | None, mask: Tensor | None, own: Tensor | None,
    steered: Steered, plan: Plan, config: DreamConfig, at: Standing,
) -> Iterator[Step]:  # fmt: skip
    size, octaves = plan.sizes[at.octave], len(plan.sizes)
    last = at.octave + 1 == octaves
    part = None if mask is None else resize(mask, size).clamp(0, 1)
    area = changed_area(steered.ascent, part, size)
    if at.pixels is not None:
        canvas = PixelCanvas(at.pixels.to(base))
    else:
        canvas = PixelCanvas(base if detail is None else _detailed(base, detail, area))
    pixels = at.pixels = canvas.pixels.detach()
    steered.base = base if own is None else resize(own.to(base), size).clamp_(0, 1)
    whole = None if last else partial(_whole, pixels, base, source, changed_area(steered.ascent, mask, plan.size))
    while at.step < config.steps:
        steered.begin_step(pixels)
        tiles = steered.plan.tiles(size)
        [(score, seconds)] = ascend_pixels(
            canvas, steered.here, steered.rule, 1, steered.generator, tiles=tiles, mask=part
        )
        at.step, at.index = at.step + 1, at.index + 1
        if config.blend and last and at.step == config.steps:
            pixels.lerp_(original, config.blend)
        yield Step(at.index, plan.steps, at.octave + 1, octaves, score, size, seconds, pixels, whole)


def changed_area(ascent: Ascent | Together, mask: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """Return where a picture of this size may change, ``[1, 1, *size]`` in [0, 1]; none if everywhere."""
    cover = ascent.cover(size) if isinstance(ascent, Together) else None
    return mask if cover is None else cover if mask is None else cover * mask


def _detailed(base: Tensor, detail: Tensor, part: Tensor | None) -> Tensor:
    """Return `base` with the detail of a coarser octave (given up); the mask cuts off what enlarging spreads."""
    enlarged = resize(detail, (base.shape[-2], base.shape[-1]))
    if part is not None:
        enlarged.mul_(part > 0)
    return enlarged.add_(base).clamp_(0, 1)


def _whole(pixels: Tensor, base: Tensor, source: Tensor, mask: Tensor | None) -> Tensor:
    """Return the picture of a coarse octave at its final size: the source with the detail dreamt so far."""
    return _detailed(source, pixels - base, mask)


def _dream_spectrum(image: Tensor | None, critic: Critic, steered: Steered, mask: Tensor | None) -> Iterator[Step]:
    config, plan, generator = steered.config, steered.plan, steered.generator
    device = critic.device
    matrix = correlation_matrix(critic.identity.color_correlation)
    canvas: nn.Module
    if image is None:
        canvas = SpectrumCanvas.noise(plan.size, generator, matrix=matrix, spread=0.2)
    else:
        canvas = SpectrumCanvas.from_images(image, matrix=matrix)
        steered.base = image.to(device)
        canvas = canvas if mask is None else MaskedCanvas(canvas, image, mask)
    canvas = canvas.to(device)
    if plan.steps == 0:
        yield Step(0, 0, 1, 1, 0.0, plan.size, 0.0, canvas().detach() if image is None else image.to(device))
        return
    lr = SPECTRUM_LR if image is None else PHOTO_LR

    def pace(index: int, images: Tensor) -> tuple[Ascent, float]:
        steered.begin_step(images)
        ascent = steered.here
        assert isinstance(ascent, Ascent)  # groups are refused with a spectrum
        return ascent, lr * config.strength * steered.strength

    assert isinstance(steered.ascent, Ascent)
    moments = ascend_canvas(canvas, steered.ascent, plan.steps, lr * config.strength, generator, pace=pace)
    for index, (score, seconds, images) in enumerate(moments, start=1):
        if config.blend and image is not None and index == plan.steps:
            images = torch.lerp(images, image.to(images), config.blend)
        yield Step(index, plan.steps, 1, 1, score, plan.size, seconds, images)
