"""Settings of `reverie style`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.jobs.blocks import (
    device_setting,
    gradient_precision_setting,
    max_memory_setting,
    network_setting,
    tile_setting,
    weights_setting,
)
from reverie.jobs.weighted import in_weighted
from reverie.settings import setting
from reverie.tools.dream.mask_rule import MASK, YOUNG, invert_setting, keep_setting, mask_by_setting, mask_setting
from reverie.tools.style.named import in_region

SCORES = ("w2", "w2-ns", "gram", "covariance", "mean-std", "sliced", "strotss", "nearest")
SEAMLESS = ("none", "x", "y", "both")
PICTURE, STYLE = "picture", "style"  # sections of the help
STRENGTH, DREAM = "strength", "dream at the same time"
NETWORK, STATE, MACHINE = "network", "going on", "machine"


@dataclass(frozen=True)
class StyleConfig:
    """How a picture takes on a style: what is matched, how strongly, how large, and on what machine."""

    style: tuple[str, ...] = setting(
        (), "Style: a picture, or a folder of them, optionally weighted as FILE:WEIGHT; repeatable.", file="picture",
        inside=in_weighted, group=STYLE, marks=("one pass",),
    )  # fmt: skip
    fast: str | None = setting(
        None, "Stylize in one pass: --fast alone for any style, --fast FILE for the one that it was taught.",
        file="network", builtin=("any",), bare="any", group=STYLE, marks=("one pass",),
    )  # fmt: skip
    model: str = network_setting("embedded-2", group=NETWORK)
    weights: str | None = weights_setting(group=NETWORK)
    strength: float = setting(
        0.5, "From 0, the content as it is, to 1, nothing but style.", minimum=0, maximum=1, group=STRENGTH,
        marks=("one pass",),
    )  # fmt: skip
    score: str = setting(
        "w2", "What of the style is matched: w2 means and covariances, by the distance of such Gaussians; w2-ns the "
        "same without eigenvectors, quick on GPUs; strotss and nearest single places; sliced whole distributions; "
        "gram, covariance, mean-std as in the first papers.", choices=SCORES, group=STYLE,
    )  # fmt: skip
    style_layer: tuple[str, ...] = setting(
        (), "Layer whose style is matched, optionally weighted as NAME:WEIGHT; repeatable.", group=NETWORK, expert=True
    )
    content_layer: tuple[str, ...] = setting(
        (), "Layer whose content is kept, optionally weighted as NAME:WEIGHT; repeatable.", group=NETWORK, expert=True
    )
    content_score: str = setting(
        "features", "How content is compared: features in place, or which places are similar.",
        choices=("features", "self-similarity"), group=NETWORK, expert=True,
    )  # fmt: skip
    style_scale: tuple[float, ...] = setting(
        (),
        "Size of a style's picture relative to the result: below 1 for finer strokes; one for all, or one for each.",
        excludes=("style_size",), belongs=("style",), group=STYLE, marks=("one pass",),
    )  # fmt: skip
    style_size: tuple[int, ...] = setting(
        (), "Longer side of a style's picture in pixels, at all scales; one for all, or one for each.",
        belongs=("style",), group=STYLE, expert=True, marks=("one pass",),
    )  # fmt: skip
    style_class: str | None = setting(
        None, "Pick one artwork by seed and file name from this subfolder of the style folder; 'any' from all of them.",
        group=STYLE, expert=True, marks=("one pass",),
    )  # fmt: skip
    size: int | str | None = setting(
        None, "Longer side in pixels, or by the picture's own: 2x, 50%; default: its own, at most 512.", own_px=True,
        minimum=1, maximum=131_072, own=True, group=PICTURE, marks=("one pass",),
    )  # fmt: skip
    min_size: int = setting(
        128, "Longer side at the first scale.", minimum=16, maximum=65536, group=STRENGTH, expert=True,
        marks=("scales",),
    )  # fmt: skip
    steps: int = setting(
        200, "Steps at the first scale.", minimum=0, maximum=100_000, group=STRENGTH, marks=("scales",),
    )  # fmt: skip
    step_decay: float = setting(
        0.75, "Share of the steps of one scale that the next one takes.", above=0, maximum=1, group=STRENGTH,
        expert=True, marks=("scales",),
    )  # fmt: skip
    min_steps: int = setting(
        40, "Steps at any scale at least, unless --steps is smaller.", minimum=0, maximum=100_000, group=STRENGTH,
        expert=True, marks=("scales",),
    )  # fmt: skip
    plateau: float = setting(
        1e-4,
        "End a scale when 50 steps improve the score by less than this share; 0 never.",
        minimum=0,
        maximum=1,
        group=STRENGTH,
        expert=True,
    )
    optimizer: str = setting("adam", "How pixels move.", choices=("adam", "lbfgs"), group=STRENGTH, expert=True)
    lr: float = setting(
        0.02,
        "Size of a step in [0, 1] pixel units; for lbfgs 1 is usual.",
        above=0,
        maximum=10,
        group=STRENGTH,
        expert=True,
    )
    average: float = setting(
        0.99,
        "Decay of the averaged picture that is the result.",
        minimum=0,
        maximum=0.99999,
        group=STRENGTH,
        expert=True,
    )
    smooth: float = setting(
        0.02, "Weight of total variation against the rest.", minimum=0, maximum=1000, group=STRENGTH, expert=True
    )
    balance: str = setting(
        "value", "Divide scores by what they are at the content picture, so that a strength means the same everywhere.",
        choices=("value", "none"), group=STRENGTH, expert=True,
    )  # fmt: skip
    init: str = setting(
        "content", "What the first scale begins with.", choices=("content", "noise", "style", "grey"), group=PICTURE,
        expert=True,
    )  # fmt: skip
    init_picture: str | None = setting(
        None, "Picture to begin with instead.", file="picture", excludes=("init",), group=PICTURE, expert=True
    )
    color: str = setting(
        "style", "Colors: of the style, of the content (hues or lightness kept), or the style's brought to the "
        "content's before, or the result's after.", choices=("style", "keep", "keep-lightness", "match",
        "match-after"), group=PICTURE, marks=("one pass",),
    )  # fmt: skip
    color_method: str = setting(
        "sym", "How colors are matched.", choices=("chol", "pca", "sym"), needs=("color=match,match-after",),
        group=PICTURE, expert=True, marks=("one pass",),
    )  # fmt: skip
    color_strength: float = setting(
        1.0, "How far colors are kept or matched.", minimum=0, maximum=1, needs=("color",), group=PICTURE, expert=True,
        marks=("one pass",),
    )  # fmt: skip
    region: tuple[str, ...] = setting(
        (), "A region with styles of its own, as mask=FILE,style=FILE,strength=1, or mask=FILE,keep=1; repeatable.",
        file="picture", whole=True, inside=in_region, group=PICTURE, expert=True,
        marks=(MASK,),
    )  # fmt: skip
    mask: str | None = mask_setting("Stylize", PICTURE, late=True, marks=(YOUNG,))
    mask_invert: bool = invert_setting("Stylize", PICTURE)
    keep: str | None = keep_setting(PICTURE)
    mask_by: str | None = mask_by_setting(PICTURE)
    seamless: str = setting(
        "none", "Axes along which the result repeats without a seam.", choices=SEAMLESS, group=PICTURE
    )
    dream_layer: tuple[str, ...] = setting(
        (),
        "Layer to dream at the same time, as NAME or NAME:WEIGHT; repeatable.",
        excludes=("dream_class",),
        group=DREAM,
        expert=True,
    )
    dream_class: str | None = setting(
        None, "Class to dream at the same time, by name or number.", group=DREAM, expert=True
    )
    dream_strength: float = setting(
        0.5, "Weight of the dream against style and content.", minimum=0, maximum=1000,
        needs=("dream_layer", "dream_class"), group=DREAM, expert=True,
    )  # fmt: skip
    samples: int = setting(
        1024, "Places per step that sampled scores look at.", minimum=16, maximum=65536,
        needs=("score=sliced,strotss,nearest", "content_score=self-similarity"), group=STRENGTH,
        expert=True)  # fmt: skip
    softmax: str = setting(
        "auto", "Level peaky activations before comparing them, as residual networks need.",
        choices=("auto", "yes", "no"), group=NETWORK, expert=True,
    )  # fmt: skip
    seed: int = setting(
        0, "Seed of noise and sampled places.", minimum=0, maximum=2**63 - 1, group=STRENGTH, marks=("one pass",),
    )  # fmt: skip
    device: str = device_setting(several=True, group=MACHINE, marks=("one pass",))
    precision: str = gradient_precision_setting(group=MACHINE, marks=("one pass",))
    tile: int | None = tile_setting(group=MACHINE, marks=("one pass",))
    max_memory: str | None = max_memory_setting("3GB", group=MACHINE, expert=True, marks=("one pass",))
    resume_from: str | None = setting(
        None, "State file to go on from: of a stopped run, or of a preview to be stylized larger.", file="state",
        own=True, stored=False, group=STATE, expert=True, marks=("one pass",),
    )  # fmt: skip
    keep_state: bool = setting(
        False, "Write NAME.reverie beside the result, to stylize it larger later.", replay=False, own=True,
        stored=False, group=STATE, expert=True, marks=("one pass",),
    )  # fmt: skip

    @property
    def regions(self) -> tuple[str, ...]:
        """All regions as texts: those that were given, and what the masks say is kept."""
        more = []
        if self.mask is not None:
            more.append(f"{'mask' if self.mask_invert else 'outside'}={self.mask},keep=1")
        if self.keep is not None:
            more.append(f"mask={self.keep},keep=1")
        return (*self.region, *more)

    @property
    def region_roles(self) -> tuple[str, ...]:
        """What the masks of all regions are called in a record."""
        numbered = [f"region {number} mask" for number in range(1, len(self.region) + 1)]
        named = [name for name in ("mask", "keep") if getattr(self, name) is not None]
        return (*numbered, *named)
