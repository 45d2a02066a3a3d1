"""All decisions of a style transfer that are taken before its first step: scales, steps, tiles and memory."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

from reverie.critic.critic import IMAGE, Critic
from reverie.errors import InputError
from reverie.numerics.resample import long_side
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.tiles import memory_budget
from reverie.settings import px_of
from reverie.tools.style.config import StyleConfig
from reverie.tools.style.rules import SAMPLED_SCORES

DEFAULT_PX = 512  # longer side where nobody asked for more: minutes on two cores, not hours
ROOT_TWO = 2**0.5
FLOAT_PIXEL = 12  # bytes of one color pixel
BUFFERS = 6  # content, pixels, gradient, two running means, average
BUFFERS_AT_END = 8.5  # all but the gradient; the result in two layouts, its bytes and its file (measured)
LBFGS_BUFFERS = 28  # ten pairs of differences, two gradients, a direction and the best so far
USED_STEP_BYTES = 2**27  # memory in use is rounded up to this, so that its noise changes no tile
LEAST_CORE_PX = 64
STATISTICS_BYTES = 4.0  # per number of a matched layer: its piece in float32
SAMPLE_BYTES = 120.0  # per number of hypercolumns at drawn places; 115 was measured for nearest, 101 for strotss
PAIR_BYTES = 32.0  # per pair of places for self-similarity; 28 was measured


@dataclass(frozen=True)
class Scale:
    """One picture size, how many steps it gets, and the largest side of its tiles; 0 for one piece."""

    size: tuple[int, int]
    steps: int
    tile_px: int = 0


@dataclass(frozen=True)
class StylePlan:
    """What `--dry-run` prints.

    Attributes:
        scales: from coarse to fine.
        estimate_bytes: expected peak of the process.
        budget_bytes: what it may use.
        halo_px: around tiles, where there are any: before and after a core.
        layers: that are read.
    """

    scales: tuple[Scale, ...]
    estimate_bytes: float
    budget_bytes: float
    halo_px: tuple[int, int] = (0, 0)
    layers: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        return self.scales[-1].size

    @property
    def steps(self) -> int:
        return sum(scale.steps for scale in self.scales)

    @property
    def pixel_steps(self) -> float:
        """Steps times pixels of all scales: what the time of a run goes with."""
        return float(sum(s.size[0] * s.size[1] * s.steps for s in self.scales))

    @property
    def tile_px(self) -> int:
        return self.scales[-1].tile_px

    @property
    def note(self) -> str:
        """One line about tiles and memory."""
        tile = self.tile_px
        how = f"tiles of {tile} px with an exact halo of {max(self.halo_px)} px" if tile else "in one piece"
        return f"planned for {format_bytes(self.budget_bytes)}: {how}, about {format_bytes(self.estimate_bytes)}"


def plan_style(
    size: tuple[int, int], config: StyleConfig, critic: Critic, layers: tuple[str, ...], *,
    above: tuple[int, int] | None = None, budget: str | None = None,
) -> StylePlan:  # fmt: skip
    """Plan the scales of a picture.

    Args:
        size: height and width of the content picture.
        config: the settings.
        critic: the network.
        layers: all that are read.
        above: height and width of a preview that is gone on with, smaller than the result; its scales are left out.
        budget: this process's share of the memory, such as "3GB", in place of that of the settings.

    Raises:
        InputError: the picture is too small for the network, or the memory too little.
    """
    full, asked = final_size(size, config, critic, layers), asked_size(size, config)
    if not critic.accepts(asked) or min(asked) < critic.least_side(layers):
        raise InputError(critic.too_small(asked, layers, own=size))
    all_sizes = [_repeatable(s, config, critic, layers) for s in scale_sizes(full, config.min_size)]
    sizes = [s for s in dict.fromkeys(all_sizes) if critic.accepts(s) and min(s) >= critic.least_side(layers)]
    if not sizes:
        raise InputError(critic.too_small(full, layers, own=size))
    if above is not None:
        sizes = [s for s in sizes if max(s) > max(above)]
    first = 0 if above is None else 1 + len([s for s in all_sizes if max(s) <= max(above)])
    most, used = memory_budget(budget or config.max_memory, critic.device)
    used = -(-(used + critic.prepared_bytes(layers)) // USED_STEP_BYTES) * USED_STEP_BYTES
    halo = _halo(critic, layers)
    # the largest first: where memory is too little, it is the size that was asked for that the message names
    tiles = [config.tile or tile_for(s, config, critic, layers, most, used) for s in reversed(sizes)][::-1]
    scales = tuple(
        Scale(s, _steps(config, first + k), tile) for k, (s, tile) in enumerate(zip(sizes, tiles, strict=True))
    )
    return StylePlan(scales, estimate(scales[-1], config, critic, layers, used), most, halo, layers)


def final_size(size: tuple[int, int], config: StyleConfig, critic: Critic, layers: tuple[str, ...]) -> tuple[int, int]:
    """Return the size of the result; along seamless axes it is a multiple of the network's stride."""
    return _repeatable(asked_size(size, config), config, critic, layers)


def asked_size(size: tuple[int, int], config: StyleConfig) -> tuple[int, int]:
    """Return the size of the result but for seams."""
    return long_side(size, px_of(config.size or min(max(size), DEFAULT_PX), max(size)))


def seam_note(size: tuple[int, int], config: StyleConfig, full: tuple[int, int]) -> list[str]:
    """Return a note where the result of a picture of this size has another one, so that it repeats."""
    (height, width), (rows, columns) = full, asked_size(size, config)
    if (height, width) == (rows, columns):
        return []
    return [f"{width} x {height} px in place of {columns} x {rows}, so that it repeats"]


def _repeatable(size: tuple[int, int], config: StyleConfig, critic: Critic, layers: tuple[str, ...]) -> tuple[int, int]:
    """Return the nearest size whose seamless axes are multiples of the network's stride."""
    stride = critic.stride(layers)
    height, width = (
        max(stride, round(n / stride) * stride) if wraps else n for n, wraps in zip(size, wrap_of(config), strict=True)
    )
    return height, width


def wrap_of(config: StyleConfig) -> tuple[bool, bool]:
    """Return whether the picture repeats downwards and sideways."""
    return config.seamless in ("y", "both"), config.seamless in ("x", "both")


def scale_sizes(full: tuple[int, int], smallest: int) -> list[tuple[int, int]]:
    """Return sizes in steps of the root of two, from coarse to fine; the longer side of none is below `smallest`.

    Every size is computed from the last one, so that rounding does not drift.
    """
    sizes, k = [full], 1
    while round(max(full) / ROOT_TWO**k) >= smallest:
        sizes.append(long_side(full, max(1, round(max(full) / ROOT_TWO**k))))
        k += 1
    return sizes[::-1]


def estimate(scale: Scale, config: StyleConfig, critic: Critic, layers: tuple[str, ...], used: float) -> float:
    """Return the expected peak of the process while it works on one scale."""
    height, width = scale.size
    before, after = _halo(critic, layers)
    tile = scale.tile_px or max(scale.size)
    wraps = wrap_of(config)
    sides = [
        min(n, tile) + before + after if w else min(n, tile + before + after)
        for n, w in zip(scale.size, wraps, strict=True)
    ]
    picture = FLOAT_PIXEL * height * width
    at_work = (
        BUFFERS * picture + sample_bytes(config, critic, layers) + window_bytes(critic, layers) * sides[0] * sides[1]
    )
    more = LBFGS_BUFFERS * picture if config.optimizer == "lbfgs" else 0.0
    return used + more + max(at_work, BUFFERS_AT_END * picture)


def sample_bytes(config: StyleConfig, critic: Critic, layers: tuple[str, ...]) -> float:
    """Return what scores of drawn places take, whatever the size of the picture."""
    similarity = config.content_score == "self-similarity"
    if not similarity and config.score not in SAMPLED_SCORES:
        return 0.0
    channels = sum(critic.layer(name).channels for name in layers if name != IMAGE)
    return config.samples * (SAMPLE_BYTES * channels + (PAIR_BYTES * config.samples if similarity else 0.0))


def window_bytes(critic: Critic, layers: tuple[str, ...]) -> float:
    """Return what one pixel of a window takes: the network's pass, and the pieces that statistics are made of."""
    kept = sum(critic.layer(name).channels / max(1, critic.layer(name).stride) ** 2 for name in layers if name != IMAGE)
    return critic.bytes_per_pixel(layers) + STATISTICS_BYTES * kept


def tile_for(
    size: tuple[int, int], config: StyleConfig, critic: Critic, layers: tuple[str, ...], budget: float, used: float
) -> int:
    """Return the largest side of tiles that stays within a budget; 0 if the whole picture does.

    Raises:
        InputError: not even the smallest useful tile fits.
    """
    if estimate(Scale(size, 0, 0), config, critic, layers, used) <= budget:
        return 0
    align = critic.stride(layers)
    least = -(-LEAST_CORE_PX // align)
    most = max(least, -(-max(size) // align))

    def over(units: int) -> bool:
        return estimate(Scale(size, 0, units * align), config, critic, layers, used) > budget

    if over(least):
        raise _too_little(size, config, critic, layers, budget, used)
    # what a tile takes grows with its side
    return align * (least + bisect_left(range(least + 1, most + 1), True, key=over))


def _too_little(
    size: tuple[int, int], config: StyleConfig, critic: Critic, layers: tuple[str, ...], budget: float, used: float
) -> InputError:
    """Return what to say where not even the smallest tile of a size fits into the memory."""
    align = critic.stride(layers)
    least = -(-LEAST_CORE_PX // align) * align
    needed = estimate(Scale(size, 0, least), config, critic, layers, used)
    small = estimate(Scale((least, least), 0, 0), config, critic, layers, used)
    advice = ", or a smaller --size" if small <= budget else f"; these layers take {format_bytes(small)} at any size"
    return InputError(
        f"{format_bytes(budget)} of memory is too little for {size[1]} x {size[0]} px with these layers; "
        f"it needs about {format_bytes(needed)}{advice}"
    )


def _halo(critic: Critic, layers: tuple[str, ...]) -> tuple[int, int]:
    field, align = critic.field(layers), critic.stride(layers)
    return -(-field.before_px // align) * align, -(-field.after_px // align) * align


def _steps(config: StyleConfig, number: int) -> int:
    return max(min(config.min_steps, config.steps), round(config.steps * config.step_decay**number))
