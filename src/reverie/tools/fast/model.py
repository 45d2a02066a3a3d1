"""Style in one pass, for pictures of any size: by a distilled student, or by the shipped network for any style.

A picture larger than memory is worked in tiles whose norms see statistics of the whole picture, so that tiles are not
seen; see `reverie.tools.fast.tiles`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.critic.open import open_critic
from reverie.critic.precision import Precision, autocast, resolve_device, resolve_precision
from reverie.errors import InputError, WeightsError
from reverie.models.adaptive import EPSILON, LEVELS, AdaptiveDecoder, Statistics, mixed
from reverie.models.adaptive import STRIDE as ADAPTIVE_STRIDE
from reverie.models.build import check_fit, shapes_only
from reverie.models.student import STRIDE as STUDENT_STRIDE
from reverie.models.student import Seen, StudentNet
from reverie.numerics.mirror import mirrored_places
from reverie.numerics.resample import long_side, resize
from reverie.numerics.spread_sums import SpreadSums
from reverie.optimize.byte_counts import format_bytes
from reverie.optimize.tiles import Tile, memory_budget, plan_tiles
from reverie.tools.fast.tiles import Stage, core_of, run_stage
from reverie.weights.checkpoint import Description, load_model
from reverie.weights.embedded import adaptive_path

MARGIN_PX = 16  # a picture is mirrored by this much, which keeps what the encoder does at borders outside
WHOLE_FROM = 0.25  # strength below which the picture itself shines through: no decoder gives it back exactly
ANY_STRENGTH = 0.5  # of the optimizer, that the network for any style is about as strong as
STYLE_PX = 512  # longer side at which styles are looked at, unless asked otherwise
LEAST_TILE_PX = 128
MOST_CHANNELS = 4096  # of a layer
ADAPTIVE_BYTES = 1100.0  # per pixel of a picture or window, in one piece; measured at 1024 px
STUDENT_BYTES = 40.0  # the same, per channel of the student at full size
TRUNK_BYTES = 18.0  # of the student's small features, which stay whole, per channel at full size
PICTURE_BYTES = 36.0  # the picture, its mirrored copy and the result
STUDENT_HALO_PX = 16  # of either stage of a student: three convolutions down, or three up
DECODER_HALO_PX = 40  # two convolutions at strides 8, 4, 2 and 1, and the last one; a multiple of eight


@dataclass(frozen=True)
class FastIdentity:
    """Which network it is: the name of its file without suffix, and the sha256 of its bytes."""

    name: str
    sha256: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FastModel:
    """A network that paints in one pass.

    Attributes:
        net: a student of one style, or the decoder for any.
        about: what its file says of it.
        critic: the encoder that goes with the decoder; None for a student.
        device: where it computes.
        precision: ``fp32`` or ``bf16``.
        identity: name and sha256 of its file.
    """

    net: StudentNet | AdaptiveDecoder
    about: Description
    critic: Critic | None
    device: torch.device
    precision: Precision
    identity: FastIdentity = FastIdentity("", "")

    @property
    def strength(self) -> float:
        """The strength, as the optimizer's, that it has learned to paint at."""
        return float(self.about.recipe.get("strength", ANY_STRENGTH))

    @property
    def takes_styles(self) -> bool:
        """Whether it paints in the style of any picture that it is shown."""
        return isinstance(self.net, AdaptiveDecoder)


def open_student(path: str | Path | None = None, *, device: str = "auto", precision: str = "fp32") -> FastModel:
    """Return a network that paints in one pass: a student's file, or without one the shipped network for any style.

    Raises:
        WeightsError: missing, broken, or a file of another kind.
        InputError: an unknown device or precision.
    """
    where = resolve_device(device)
    how = resolve_precision(precision, where)
    file = adaptive_path() if path is None else Path(path)
    state, about = load_model(file)
    if about.kind not in ("student", "adaptive"):
        raise WeightsError(
            f"'{file.name}' holds a network of kind '{about.kind}'; styles need one of 'reverie distill'"
        )
    critic = open_critic(device=str(where), precision=how) if about.kind == "adaptive" else None
    if critic is not None and about.data.get("encoder") != critic.identity.sha256:
        raise WeightsError(f"'{file.name}' was trained for another version of the embedded network")
    net = _built(about, state, file.name).eval().requires_grad_(False)
    net = net.to(where, memory_format=torch.channels_last)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return FastModel(net, about, critic, where, how, FastIdentity(file.stem, digest))


def _built(about: Description, state: dict[str, Tensor], name: str) -> Any:
    """Return the network that a file describes, once its weights are compared with that: it may claim anything."""
    kinds: dict[str, type[StudentNet | AdaptiveDecoder]] = {"student": StudentNet, "adaptive": AdaptiveDecoder}
    sizes = [n for value in about.options.values() for n in (value if isinstance(value, list) else [value])]
    if not all(type(n) is int and 0 <= n <= MOST_CHANNELS for n in sizes) or about.options.get("blocks", 0) > len(
        state
    ):
        raise WeightsError(f"'{name}' is damaged: its weights do not fit its description")
    try:
        with shapes_only():
            net = kinds[about.kind](**about.options)
    except (RuntimeError, TypeError, IndexError) as error:
        raise WeightsError(f"'{name}' is damaged: its weights do not fit its description") from error
    check_fit(net.state_dict(), state, name)
    net.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    return net


@torch.no_grad()
def fast_style(
    image: Tensor, model: FastModel, styles: Sequence[Tensor] = (), weights: Sequence[float] | None = None, *,
    strength: float = 1.0, style_px: int = STYLE_PX, max_memory: str | None = None, tile: int | None = None,
    target: Statistics | None = None,
) -> Tensor:  # fmt: skip
    """Paint one picture in one pass.

    Args:
        image: ``[1, 3, H, W]`` float32 in [0, 1], any size.
        model: from `open_student`.
        styles: ``[1, 3, h, w]`` each, for a network that takes any style; none for a student.
        weights: shares of the styles; all the same if absent.
        strength: from 0, the picture as it is, to 1.
        style_px: longer side at which styles are looked at; smaller for finer strokes.
        max_memory: such as ``2GB``; the picture is worked in tiles to stay below it.
        tile: side of tiles in pixels instead; 0 for none.
        target: from `style_statistics`, instead of styles: for many pictures in the same ones.

    Returns:
        ``[1, 3, H, W]`` in [0, 1].

    Raises:
        InputError: styles that do not go with the network, weights without a sum, or too little memory.
    """
    _check(image, model, styles, strength, target)
    stride = ADAPTIVE_STRIDE if model.takes_styles else STUDENT_STRIDE
    padded, box = mirrored(image.to(model.device), MARGIN_PX, stride)
    size = (padded.shape[2], padded.shape[3])
    side = tile_side(model, size, max_memory) if tile is None else tile
    with autocast(model.device, model.precision):
        if model.takes_styles:
            target = target or style_statistics(model, styles, weights, style_px)
            made = _adaptive(model, padded, target, strength, side)
        else:
            made = _student(model, padded, strength, side)
    made = made[..., box[0], box[1]].float().clamp(0, 1).to(image.device)
    return made if strength >= WHOLE_FROM else torch.lerp(image, made, strength / WHOLE_FROM)


def style_statistics(
    model: FastModel, styles: Sequence[Tensor], weights: Sequence[float] | None = None, style_px: int = STYLE_PX
) -> Statistics:
    """Return the blended statistics of styles, which is all that is known of them.

    Raises:
        InputError: weights that do not add up to something positive.
    """
    shares = [1.0] * len(styles) if weights is None else list(weights)
    if len(shares) != len(styles) or not sum(shares) > 0 or min(shares) < 0:
        raise InputError(f"{len(styles)} styles need as many weights from 0 on, not all zero; got {shares}")
    found = []
    for style in styles:
        own = (style.shape[2], style.shape[3])
        seen = resize(style, long_side(own, min(max(own), style_px))).clamp(0, 1).to(model.device)
        padded, _ = mirrored(seen, MARGIN_PX, ADAPTIVE_STRIDE)
        found.append(_encoded(model, padded, 0))
    return mixed(found, [share / sum(shares) for share in shares])


def _check(
    image: Tensor, model: FastModel, styles: Sequence[Tensor], strength: float, target: Statistics | None
) -> None:
    if image.ndim != 4 or image.shape[0] != 1 or image.shape[1] != 3:
        raise InputError(f"a picture must be [1, 3, H, W]; got {list(image.shape)}")
    if not 0 <= strength <= 1:
        raise InputError(f"--strength must be from 0 to 1; got {strength}")
    if model.takes_styles and not styles and target is None:
        raise InputError("no style is given; name one or more pictures")
    if styles and not model.takes_styles:
        raise InputError("this fast style model has learned its style already; give no style, or leave out its file")


# -- sizes --------------------------------------------------------------------------------------------------------


def mirrored(image: Tensor, margin: int, stride: int) -> tuple[Tensor, tuple[slice, slice]]:
    """Return the picture mirrored outward to multiples of `stride`, and where it lies in that."""
    box = slice(margin, margin + image.shape[2]), slice(margin, margin + image.shape[3])
    for dim in (2, 3):
        count = image.shape[dim]
        length = -(-(count + 2 * margin) // stride) * stride
        image = image.index_select(dim, mirrored_places(count, margin, length - margin - count, image.device))
    return image.contiguous(memory_format=torch.channels_last), box


def tile_side(model: FastModel, size: tuple[int, int], max_memory: str | None) -> int:
    """Return the side of tiles that stay within the memory, 0 if the whole picture does.

    Raises:
        InputError: not even small tiles fit.
    """
    budget, used = memory_budget(max_memory, model.device)
    pixels = size[0] * size[1]
    if isinstance(model.net, StudentNet):
        width = model.net.options["width"]
        each, kept, halo = STUDENT_BYTES * width, PICTURE_BYTES + TRUNK_BYTES * width, 2 * STUDENT_HALO_PX
    else:
        each, kept, halo = ADAPTIVE_BYTES, PICTURE_BYTES, 2 * _adaptive_halo(model)
    if used + PICTURE_BYTES * pixels + each * pixels <= budget:
        return 0
    left = budget - used - kept * pixels
    side = int(max(left, 0) / each) ** 0.5 - halo
    if side < LEAST_TILE_PX:
        needed = used + kept * pixels + each * (LEAST_TILE_PX + halo) ** 2
        raise InputError(
            f"{format_bytes(budget)} of memory is too little for {size[1]} x {size[0]} px; "
            f"it needs about {format_bytes(needed)}"
        )
    return int(side) // ADAPTIVE_STRIDE * ADAPTIVE_STRIDE


# -- any style ----------------------------------------------------------------------------------------------------


def _adaptive(model: FastModel, image: Tensor, target: Statistics, strength: float, side: int) -> Tensor:
    own = _encoded(model, image, side)
    wanted = own.toward(target, strength)
    out = image.new_empty(image.shape)
    for tile in _tiles(model, image, side):
        window = image[..., tile.window_top : tile.window_bottom, tile.window_left : tile.window_right]
        made = model.net(_features(model, window), own, wanted)
        out[..., tile.top : tile.bottom, tile.left : tile.right] = core_of(made, tile, window)
    return out


def _encoded(model: FastModel, image: Tensor, side: int) -> Statistics:
    """Return the statistics of a whole picture."""
    sums = [SpreadSums() for _ in LEVELS]
    for tile in _tiles(model, image, side):
        window = image[..., tile.window_top : tile.window_bottom, tile.window_left : tile.window_right]
        for level, features in zip(sums, _features(model, window), strict=True):
            level.add(core_of(features, tile, window))
    found = [level.spread(EPSILON) for level in sums]
    return Statistics(tuple(m for m, _ in found), tuple(s for _, s in found))


def _features(model: FastModel, window: Tensor) -> list[Tensor]:
    assert model.critic is not None
    found = model.critic(window, LEVELS)
    return [found[name] for name in LEVELS]


def _tiles(model: FastModel, image: Tensor, side: int) -> tuple[Tile, ...]:
    size = (image.shape[2], image.shape[3])
    return plan_tiles(size, side or max(size), _adaptive_halo(model), ADAPTIVE_STRIDE)


def _adaptive_halo(model: FastModel) -> int:
    assert model.critic is not None
    field = model.critic.field(LEVELS)
    return max(field.before_px, field.after_px) + DECODER_HALO_PX


# -- one style ----------------------------------------------------------------------------------------------------


def _student(model: FastModel, image: Tensor, strength: float, side: int) -> Tensor:
    net = model.net
    assert isinstance(net, StudentNet)
    dial = image.new_full((1, 1), strength)
    if side == 0:
        return net(image, dial)
    width, last = net.options["width"], 3 + net.options["blocks"]

    def down(window: Tensor, seen: Seen) -> Tensor:
        return net.begin(window, dial, seen)

    def up(window: Tensor, seen: Seen) -> Tensor:
        return net.finish(window, dial, seen)

    begun = run_stage(Stage(down, (0, 1, 2), STUDENT_HALO_PX, STUDENT_STRIDE, (1, 4), 4 * width), image, side)
    worked = net.work(begun, dial)
    del begun
    rising = Stage(up, (last, last + 1), STUDENT_HALO_PX // 4, 1, (4, 1), 3)
    return run_stage(rising, worked, max(1, side // 4))
