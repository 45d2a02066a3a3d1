"""What a translator is to learn: examples, the network's shape, and the settings as they count."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reverie.data.batches import seeded
from reverie.data.examples import Drawing, Examples, FilterExamples, Teacher
from reverie.data.pairs import PairExamples
from reverie.data.user_filter import chosen_filter
from reverie.errors import DataError, InputError
from reverie.models.picture_kinds import parse_kind
from reverie.models.translator import Plane, Shape
from reverie.train.translate.config import PIX2PIX, STYLE, TranslateConfig

TRIED = 8  # crops in which something must be seen
FLAT = 1e-4  # deviation below which a picture is of one color
SEEN = 1e-4  # change of a filter's result that counts
USUAL_SSIM, USUAL_PERCEPTUAL, USUAL_GAN_AFTER = 30.0, 10.0, 0.6  # with a discriminator; benchmarks/translate_pairs.py
PROBE_PX = 97  # picture in which it is looked how far a filter sees


@dataclass(frozen=True, eq=False)
class Task:
    """What is learned: examples, and what the network's file will say of them."""

    examples: Examples
    about: dict[str, object]
    config: TranslateConfig
    notes: tuple[str, ...] = ()

    @property
    def is_pix2pix(self) -> bool:
        """Whether the network learns as pix2pix does."""
        return self.config.architecture == PIX2PIX

    @property
    def has_discriminator(self) -> bool:
        """Whether a discriminator learns beside it."""
        return self.is_pix2pix and (self.config.gan > 0 or self.config.feature_matching > 0)

    @property
    def loss(self) -> str:
        """Name of the difference that is made small."""
        if not self.is_pix2pix:
            return self.config.loss or "mse"
        return self.config.loss or ("entropy" if self.shape.wanted_kind.is_labels else "l1")

    @property
    def ssim(self) -> float:
        """Weight of what SSIM lacks to 1, where the difference has 100."""
        usual = USUAL_SSIM if self.has_discriminator else 0.0
        return usual if self.config.ssim is None else self.config.ssim

    @property
    def perceptual(self) -> float:
        """Weight of the distance by the embedded network's features, where the difference has 100."""
        usual = USUAL_PERCEPTUAL if self.has_discriminator and self.shape.wanted_kind.is_colored else 0.0
        return usual if self.config.perceptual is None else self.config.perceptual

    @property
    def gan_after(self) -> float:
        """Part of the run after which the discriminator begins."""
        return USUAL_GAN_AFTER if self.config.gan_after is None else self.config.gan_after

    @property
    def settled(self) -> TranslateConfig:
        """The settings with what is usual filled in."""
        found = dataclasses.replace(self.config, lr=self.lr)
        if not self.is_pix2pix:
            return found
        return dataclasses.replace(found, ssim=self.ssim, perceptual=self.perceptual, gan_after=self.gan_after)

    @property
    def lr(self) -> float:
        """Peak learning rate."""
        return self.config.lr or (5e-4 if self.is_pix2pix else 3e-3)

    @property
    def keep(self) -> str:
        """Which weights are the result."""
        if not self.examples.held:
            return "last"
        return self.config.keep or ("last" if self.has_discriminator else "psnr")

    @property
    def every(self) -> int:
        """Steps between two measurements."""
        return self.config.validate_every or max(200, self.examples.count // self.config.batch)

    @property
    def drawing(self) -> Drawing:
        """How crops are varied."""
        return Drawing(self.config.zoom, self.config.augment != "none", self.config.augment == "turns")

    @property
    def shape(self) -> Shape:
        """What the network is built from."""
        config, outputs, planes = self.config, self.examples.outputs, self.examples.planes
        paired = config.targets is not None or config.side_by_side
        given, wanted = (config.given, config.wanted) if paired else ("color", "")
        wanted = "" if wanted == "color" else wanted
        inputs = parse_kind(given).channels + len(planes)
        if config.architecture == "autoencoder":
            return Shape("autoencoder", inputs, outputs, 16, (1,), given=given, wanted=wanted, planes=planes)
        if self.is_pix2pix:
            depth = config.depth or (4 if config.generator == "unet" else 6)
            return Shape(config.generator, inputs, outputs, config.width or 32, (1,), depth, config.dropout, given,
                         wanted, planes)  # fmt: skip
        steps = dilations(config.depth or 4, dilated=config.dilated)
        return Shape("can", inputs, outputs, config.width or 24, steps, given=given, wanted=wanted, planes=planes)


def dilations(depth: int, *, dilated: bool) -> tuple[int, ...]:
    """Return the dilation of every layer: all 1, or 1, 2, 4, ... and 1 at the end."""
    return (*(2**i for i in range(depth - 1)), 1) if dilated else (1,) * depth


def open_task(config: TranslateConfig) -> Task:
    """Return what is to be learned.

    Raises:
        InputError: an unknown filter, parameter or kind of picture.
        DataError: no pictures, pairs that are not complete, or pictures of one color.
    """
    path = Path(config.data)
    if config.targets is not None or config.side_by_side:
        task = Task(open_pairs(config, config.held_out), {}, config)
        about: dict[str, object] = {"pairs": task.examples.count}
    else:
        teacher = open_teacher(config)
        examples = FilterExamples(path, teacher, config.held_out, config.seed)
        about = {"filter": bare_filter(config), "parameters": dict(teacher.fixed), "pictures": examples.count}
        task = Task(examples, about, config)
    if task.loss == "entropy" and not task.shape.wanted_kind.is_labels:
        raise InputError("--loss entropy is for classes: --wanted labels:N")
    check_something_seen(task)
    return Task(task.examples, about, config, tuple(reach_notes(task)))


def open_pairs(config: TranslateConfig, share: float) -> PairExamples:
    """Return the pairs that settings name, with a share of them held out; 1 for all."""
    targets = None if config.targets is None else Path(config.targets)
    kinds = parse_kind(config.given), parse_kind(config.wanted)
    return PairExamples(Path(config.data), targets, kinds, share, config.seed, skip=config.skip_unpaired)


def open_teacher(config: TranslateConfig) -> Teacher:
    """Return the filter that settings name, with its parameters."""
    chosen = chosen_filter(config.filter, config.seed)
    fixed, ranges = given_parameters(config.filter_param)
    for name, (low, high) in ranges.items():
        chosen.settings({name: low})
        chosen.settings({name: high})
    usual = chosen.settings(fixed)
    planes = tuple(Plane(name, min(max(usual[name], low), high), low, high) for name, (low, high) in ranges.items())
    return Teacher(chosen, {name: value for name, value in usual.items() if name not in ranges}, planes)


def bare_filter(config: TranslateConfig) -> str:
    """Return the filter's name without the folder of a file of the user's own."""
    if config.filter.startswith(STYLE):
        return STYLE + Path(config.filter.removeprefix(STYLE)).name
    return Path(config.filter).name if ".py:" in config.filter else config.filter


def given_parameters(texts: tuple[str, ...]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return numbers from texts such as ``sigma=1.5``, and ranges from ``sigma=0.5..3``.

    Raises:
        InputError: one of another form.
    """
    fixed: dict[str, float] = {}
    ranges: dict[str, tuple[float, float]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        low, dots, high = value.partition("..")
        try:
            numbers = [float(low), float(high)] if dots else [float(low)]
        except ValueError:
            numbers = []
        if not name.strip() or not numbers or numbers != sorted(numbers) or len(set(numbers)) < len(numbers):
            raise InputError(f"--filter-param takes NAME=NUMBER, such as sigma=1.5, or NAME=LEAST..MOST; got '{text}'")
        if dots:
            ranges[name.strip()] = (numbers[0], numbers[1])
        else:
            fixed[name.strip()] = numbers[0]
    return fixed, ranges


# -- what can be said before anything is learned ----------------------------------------------------------------------


def check_something_seen(task: Task) -> None:
    """Refuse pictures from which nothing can be learned.

    Raises:
        DataError: all pictures, or all targets, are of one color.
    """
    config, channels = task.config, task.shape.inputs - len(task.examples.planes)
    given, wanted = task.examples.draw(TRIED, config.crop_px, seeded(config.seed, "tried"), task.drawing)
    for images, what in ((given[:, :channels], "pictures"), (wanted, "targets")):
        if images.std(dim=(2, 3)).max() < FLAT:
            raise DataError(f"the {what} of '{config.data}' are of one color each; there is nothing to learn")


def reach_notes(task: Task) -> list[str]:
    """Return a line if a can sees less far than its filter."""
    if task.config.architecture != "can":
        return []
    sees = filter_reach_px(task)
    own = sum(task.shape.dilations)
    if sees is None or sees <= own:
        return []
    return [f"the filter sees {sees} px far, the network {own} px: a larger --depth, or --dilated, lets it see more"]


def filter_reach_px(task: Task) -> int | None:
    """Return how far a filter sees; None where there is none."""
    image = torch.rand(1, 3, PROBE_PX, PROBE_PX, generator=seeded("reach")) * 0.6 + 0.2
    values = {plane.name: plane.high for plane in task.examples.planes}
    if task.examples.target(image, values) is None:
        return None
    return difference_reach_px(lambda x: task.examples.target(x, values), image, SEEN)  # type: ignore[arg-type]


def difference_reach_px(function: Callable[[Tensor], Tensor], image: Tensor, least: float) -> int:
    """Return how far from a pixel a function's result changes by more than `least` when the pixel does.

    Found by trying, at four pixels in the middle of `image` ``[1, C, H, W]``.
    """
    before, farthest = function(image), 0
    middle = image.shape[-1] // 2
    for at in range(middle, middle + 4):  # every phase of a stride of four
        other = image.clone()
        other[..., at, at] = 1 - other[..., at, at]
        places = ((function(other) - before).abs().amax(dim=(0, 1)) > least).nonzero() - at
        farthest = max(farthest, int(places.abs().max()) if len(places) else 0)
    return farthest
