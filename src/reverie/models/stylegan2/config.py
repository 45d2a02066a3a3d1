"""What a StyleGAN2 is built from, and how its weights are called.

A generator's file is safetensors with a `Description` of kind ``stylegan2``, whose `options` are
`GeneratorConfig.record()`. Names and shapes of its tensors (I, O: channels in and out; k stands for stage 0, 1, ...;
the block of stage k is called ``b4``, ``b8``, ``b16``, ... = 4 * 2**k, whatever the picture's true height is):

    mapping.embed.weight [E, c_dim]  mapping.embed.bias [E]   only with labels; "concat" has no bias and E = z_dim
    mapping.fc{i}.weight [out, in]   mapping.fc{i}.bias [out] i = 0 .. mapping_layers-1; in = z_dim + E for i = 0
    mapping.w_avg [w_dim]                                     buffer: mean of w, for truncation
    synthesis.b4.const [C0, base_h, base_w]
    synthesis.b4.start.weight [C0 base_h base_w, w_dim]       only where `start` is "latent": added to the constant
    synthesis.b{r}.conv0.*                                    doubles the size; not in b4
    synthesis.b{r}.conv1.*
    synthesis.b{r}.torgb.*                                    in every block of "skip"; in the last one of others
    synthesis.b{r}.skip.weight [O, I, 1, 1]                   "resnet" only, not in b4
    conv: .weight [O, I, 3, 3] .affine.weight [I, w_dim] .affine.bias [I] (around 1) .bias [O]
          .noise_strength [] .noise_const [h, w] (buffer; left out where noise is False)
    torgb: .weight [colors, I, 1, 1] .affine.weight [I, w_dim] .affine.bias [I] .bias [colors]

Weights are as the published code trains them: the equalized learning rate is a factor of the forward pass
(1/sqrt(fan in), mapping times `mapping_lr`), not part of the tensor. conv0 is a transposed convolution with the tensor
as it stands (TensorFlow files are flipped in both spatial axes for that), followed by the blur `kernel`.
The blur has no tensors. Other buffers (resample filters) are dropped. Pictures are in [-1, 1], RGB.

Source: Karras et al. 2019, arXiv 1912.04958; Karras et al. 2020, arXiv 2006.06676 (labels, sizes).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reverie.errors import WeightsError
from reverie.models.stylegan2.alias_free import AliasFree, bands

KIND = "stylegan2"
SHIPPED_NAMES = ("flowers",)
Architecture = Literal["skip", "resnet", "orig", "lucidrains", "stylegan3"]
Labels = Literal["embed", "concat"]
Start = Literal["const", "latent"]
MOST_STAGES, MOST_CHANNELS, MOST_SIDE_PX = 11, 4096, 64
EXACT_STAGES, HALF_STAGES = 3, 4
MOST_PIXELS = 1 << 25  # of a picture; the largest networks draw 1024 x 1024
LARGEST = 1e9  # of settings that are numbers


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """The shape of a generator.

    Attributes:
        channels: of each stage, from the coarsest (4 px) on; the number of stages gives the size.
        base: height and width of the constant; the picture is this times 2**(stages - 1).
        colors: 1 grey, 3 RGB, 4 RGBA.
        z_dim: values of a latent z.
        w_dim: values of a w.
        c_dim: classes; 0 for none.
        embed_dim: values that a class is embedded in.
        mapping_layers: layers of the mapping network; 8 in StyleGAN2, 2 in small ADA networks.
        mapping_width: of its inner layers.
        mapping_lr: factor of its learning rate.
        labels: "embed": z and the embedding are normalized separately (ADA); "concat": together (TensorFlow, 2019).
        architecture: how colors leave the blocks: "skip", "resnet" or "orig"; or "lucidrains" or "stylegan3", whose
            synthesis networks are others, see `reverie.models.stylegan2.lucidrains` and `.stylegan3`.
        kernel: of the blur, normalized to sum 1 when used.
        noise: whether layers add noise at all.
        clamp: bound of the activations in networks trained in half precision; None for none.
        start: what the first block draws on: "const", the same for all pictures; "latent", a linear map of w besides,
            so that w arranges a picture at once (the input before the constant one, Karras et al. 2018, table 1).
        alias_free: of StyleGAN3, what its synthesis network follows from; its layers are the stages.
    """

    channels: tuple[int, ...]
    base: tuple[int, int] = (4, 4)
    colors: int = 3
    z_dim: int = 512
    w_dim: int = 512
    c_dim: int = 0
    embed_dim: int = 512
    mapping_layers: int = 8
    mapping_width: int = 512
    mapping_lr: float = 0.01
    labels: Labels = "embed"
    architecture: Architecture = "skip"
    kernel: tuple[float, ...] = (1, 3, 3, 1)
    noise: bool = True
    clamp: float | None = None
    start: Start = "const"
    alias_free: AliasFree | None = None

    @property
    def stages(self) -> int:
        """Blocks."""
        return len(self.channels)

    @property
    def exact_stages(self) -> int:
        """First blocks that are drawn in float32 whatever the precision: up to 16 px, but none of the four largest.

        They cost little, and their rounding moves whole areas of the picture.
        """
        return max(0, min(EXACT_STAGES, self.stages - HALF_STAGES))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        if self.alias_free is not None:
            return self.alias_free.resolution, self.alias_free.resolution
        return self.base[0] << (self.stages - 1), self.base[1] << (self.stages - 1)

    @property
    def num_ws(self) -> int:
        """How many layers take a w: 2 a block, as b4 has one convolution and the last one a torgb.

        In StyleGAN3: the layers, the input before them and the colors behind.
        """
        return 2 * self.stages if self.alias_free is None else self.stages + 2

    def stage_size(self, stage: int) -> tuple[int, int]:
        """Return height and width of a stage's activations, without margins."""
        if self.alias_free is not None:
            band = bands(self.alias_free, self.colors)[stage]
            return min(band.rate, band.size), min(band.rate, band.size)
        return self.base[0] << stage, self.base[1] << stage

    def record(self) -> dict[str, object]:
        """Return it as plain JSON."""
        found = dataclasses.asdict(self)
        if self.alias_free is None:
            del found["alias_free"]  # which older versions do not know
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def channels_of(resolution: int, base: int = 32768, most: int = 512) -> tuple[int, ...]:
    """Return the published widths: min(base / size, most) for sizes 4, 8, ... `resolution`.

    `base` is 32768 for config-f and 16384 for its half; the field's `channel_base`.
    """
    stages = resolution.bit_length() - 2
    return tuple(min(base // (4 << stage), most) for stage in range(stages))


def parse_config(options: Mapping[str, object], name: str) -> GeneratorConfig:
    """Return the configuration that a file states.

    Raises:
        WeightsError: an unknown or impossible value, named.
    """
    known = {field.name for field in dataclasses.fields(GeneratorConfig)}
    values: dict[str, typing.Any] = {}
    for key, value in options.items():
        if key not in known:
            raise WeightsError(f"'{name}' says '{str(key)[:40]}' of its generator, which this version does not know")
        values[key] = tuple(value) if isinstance(value, list) else value
    try:
        if values.get("alias_free") is not None:
            values["alias_free"] = AliasFree(**values["alias_free"])
        config = GeneratorConfig(**values)
        _check(config)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"'{name}' does not say properly what its generator is: {error}") from error
    return config


def _check(config: GeneratorConfig) -> None:
    """Refuse what could not be built, or would be larger than any network there is."""
    whole = (config.z_dim, config.w_dim, config.embed_dim, config.mapping_width, *config.channels)
    _demand(all(type(n) is int and 1 <= n <= MOST_CHANNELS for n in whole), "widths must be 1 to 4096")
    _demand((config.alias_free is not None) == (config.architecture == "stylegan3"), "stylegan3 needs alias_free")
    if config.alias_free is not None:
        own = tuple(band.channels for band in bands(config.alias_free, config.colors)[:-1])
        _demand(config.channels == own, "its channels are not those of alias_free")
    _demand(1 <= config.stages <= MOST_STAGES or config.alias_free is not None, "it must have 1 to 11 stages")
    _demand(len(config.base) == 2 and all(type(n) is int and 1 <= n <= MOST_SIDE_PX for n in config.base), "base")
    _demand(type(config.c_dim) is int and 0 <= config.c_dim <= 100_000, "c_dim must be 0 to 100000")
    _demand(type(config.mapping_layers) is int and 0 <= config.mapping_layers <= 64, "mapping_layers must be 0 to 64")
    _demand(config.size[0] * config.size[1] <= MOST_PIXELS, "its pictures are larger than any network draws")
    _demand(type(config.colors) is int and config.colors in (1, 3, 4), "colors must be 1, 3 or 4")
    _demand(config.architecture in typing.get_args(Architecture), "architecture is not known")
    _demand(config.labels in typing.get_args(Labels), "labels must be embed or concat")
    _demand(config.start in typing.get_args(Start), "start must be const or latent")
    _demand(isinstance(config.noise, bool), "noise must be true or false")
    _demand(all(map(_is_finite, config.kernel)) and 1 <= len(config.kernel) <= 12, "kernel must be up to 12 numbers")
    _demand(sum(config.kernel) > 0 and len(config.kernel) % 2 == 0, "kernel must have an even number of taps")
    _demand(_is_finite(config.mapping_lr) and config.mapping_lr > 0, "mapping_lr must be a number above 0")
    clamp = config.clamp
    _demand(clamp is None or (_is_finite(clamp) and clamp > 0), "clamp must be a number above 0")


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST < value < LARGEST


def _demand(true: bool, words: str) -> None:
    if not true:
        raise ValueError(words)
