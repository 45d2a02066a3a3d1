"""Settings of `reverie dream`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reverie.errors import InputError
from reverie.jobs.blocks import (
    device_setting,
    gradient_precision_setting,
    max_memory_setting,
    network_setting,
    tile_setting,
    weights_setting,
)
from reverie.jobs.key_values import KeyValues, entry, inside, names, number, whole, wholes
from reverie.settings import setting
from reverie.tools.dream.mask_rule import MASK, YOUNG, invert_setting, keep_setting, mask_by_setting, mask_setting

PICTURE, GOAL = "picture", "what is amplified"  # sections of the help
HOW, VIEWS = "strength", "views"
OTHERS, MACHINE = "artworks and groups", "machine"
FORMS = ("equalized", "peaks", "l2", "mean", "l1")  # of what is amplified of a layer


@dataclass(frozen=True)
class Group(KeyValues):
    """One region and what is amplified in it, as ``mask=sky.png,layer=mixed4c,strength=1``; without a mask everywhere.

    Keys: ``mask`` (white is dreamt) or ``outside`` (black is dreamt) with a file, ``layer`` (several joined by ``+``,
    each optionally ``NAME:WEIGHT``), ``channel`` (joined by ``+``), ``class``, ``guide`` with ``guide-form`` and
    ``guide-size``, ``guide-class``, ``strength``, and ``soften`` (blur of the mask in pixels).
    """

    option: ClassVar[str] = "--group"
    example: ClassVar[str] = "mask=sky.png,layer=mixed4c,strength=1"

    mask: str | None = entry(None, file="mask")
    outside: str | None = entry(None, file="mask")
    layer: tuple[str, ...] = entry((), read=names)
    channel: tuple[int, ...] = entry((), read=wholes)
    class_name: str | None = entry(None, key="class")
    guide: str | None = entry(None, file="guide")
    guide_form: str = entry("best-match")
    guide_size: int | None = entry(None, read=whole("a whole number of pixels"))
    guide_class: str | None = entry(None)
    strength: float = entry(1.0, read=number(0, 10_000, above=True, words="a number above 0"), always=True)
    soften_px: float = entry(0.0, key="soften", read=number(0, 10_000, words="pixels from 0 on"))

    def check(self) -> None:
        """Refuse two masks."""
        if self.mask is not None and self.outside is not None:
            raise InputError("give mask or outside, not both")


@dataclass(frozen=True)
class DreamConfig:
    """How a picture is dreamt: what to amplify, how far, and on what machine."""

    model: str = network_setting(group=GOAL, marks=("goal",))
    weights: str | None = weights_setting(group=GOAL, marks=("goal",))
    layer: tuple[str, ...] = setting(
        (), "Layers to amplify, each optionally NAME:WEIGHT; by commas or repeated.", alias=("--maximize",), group=GOAL,
        excludes=("class_name", "group"), steer=True, marks=("goal", "of a group"),
    )  # fmt: skip
    channel: tuple[int, ...] = setting(
        (), "Only these channels of the layer: 5, 3-5 or LAYER:5; by commas or repeated.", group=GOAL, of="layer",
        excludes=("class_name", "guide", "guide_class", "caricature", "group", "direction"),
        marks=("goal", "of a group"),
    )  # fmt: skip
    class_name: str | None = setting(
        None, "Class to dream instead of a layer, by name or number: goldfish; several by commas, groups such as dog.",
        flag="--class", group=GOAL, joined=True,
        excludes=("layer", "channel", "guide", "guide_class", "caricature", "group", "direction"),
        marks=("goal", "of a group"),
    )  # fmt: skip
    latent: str | None = setting(
        None, "Move through the latent space of this generator instead of pixels: 'flowers', or a file; begins at "
        "--seed, without a picture.", file="network", builtin=("flowers",), group=GOAL, expert=True, late=True,
        excludes=("guide", "guide_class", "caricature", "group", "direction"),
    )  # fmt: skip
    objective: str = setting(
        "l2", "What of a layer is amplified: equalized gives every feature its turn where it fits, peaks the boldest "
        "of them; l2 (the original), mean and l1 amplify the strongest.", choices=FORMS, group=GOAL, expert=True,
        marks=("goal",),
    )  # fmt: skip
    strength: float = setting(
        1.0, "How strong the dream is: 2 or 200% twice as strong, 0.5 or 50% half; every step goes so much further.",
        minimum=0.01, maximum=100, late=True, group=HOW, marks=(YOUNG,),
    )  # fmt: skip
    octaves: int = setting(
        4, "Picture sizes to work at, from coarse to fine.", minimum=1, maximum=32, alias=("--octave-count",), group=HOW
    )
    octave_scale: float = setting(1.4, "Ratio between two sizes.", above=1.0, maximum=8, group=HOW, expert=True)
    steps: int = setting(
        10, "Steps at each size.", minimum=0, maximum=100_000, alias=("--steps-per-octave",), group=HOW,
        marks=("keyable",),
    )  # fmt: skip
    iterations: int = setting(
        1, "Dream this often, each time on the result of the last.", minimum=1, maximum=10_000,
        alias=("--num-iterations",), group=HOW, expert=True,
    )  # fmt: skip
    blend: float = setting(
        0.0, "Share of the picture that is mixed back into the result of each iteration; in a video, share of the new "
        "frame where the dream before is taken over (0.5 for blend, 0.1 for flow).", minimum=0, maximum=1, group=HOW,
        expert=True,
    )  # fmt: skip
    step_size: float = setting(
        0.009, "Mean change of a pixel per step, on a scale from 0 to 1.", above=0, maximum=1, group=HOW, expert=True,
        marks=("keyable",),
    )  # fmt: skip
    jitter: int = setting(
        32, "Shift by up to this many pixels at every step.", minimum=0, maximum=4096, group=VIEWS, expert=True,
        marks=("keyable",),
    )  # fmt: skip
    normalize: str = setting(
        "mean-abs", "How the gradient is normalized.", choices=("mean-abs", "std", "laplacian"), group=HOW, expert=True,
        marks=("goal",),
    )  # fmt: skip
    smooth: float = setting(
        0.0, "Weight of total variation against the objective.", minimum=0, group=HOW, expert=True, marks=("keyable",),
    )  # fmt: skip
    jitter_rotate: float = setting(
        0.0, "Turn by up to this many degrees at every step.", minimum=0, maximum=180, group=VIEWS, expert=True,
        marks=("keyable",),
    )  # fmt: skip
    jitter_scale: float = setting(
        0.0, "Enlarge or shrink by up to this share at every step.", minimum=0, maximum=0.5, group=VIEWS, expert=True,
        marks=("keyable",),
    )  # fmt: skip
    jitter_noise: float = setting(
        0.0, "Standard deviation of noise added at every step.", minimum=0, maximum=1, group=VIEWS, expert=True,
        marks=("keyable",),
    )  # fmt: skip
    canvas: str = setting(
        "auto", "What is changed: pixels, or a Fourier spectrum (default without a picture).",
        choices=("auto", "pixels", "spectrum"), group=HOW, expert=True, marks=("goal",),
    )  # fmt: skip
    size: int | str | None = setting(
        None, "Longer side in pixels, or by the picture's own: 2x, 50%; default: its own, 512 without one.", minimum=1,
        own=True, own_px=True, group=PICTURE,
    )  # fmt: skip
    mask: str | None = mask_setting("Dream", PICTURE, needs_input=True, excludes=("keep",))
    mask_invert: bool = invert_setting("Dream", PICTURE, marks=(YOUNG,))
    keep: str | None = keep_setting(PICTURE, needs_input=True, excludes=("mask",))
    mask_by: str | None = mask_by_setting(PICTURE)
    color: str = setting(
        "dream", "Colors: those of the dream, or the picture's own.", choices=("dream", "keep"), needs_input=True,
        late=True, group=PICTURE, marks=(YOUNG,),
    )  # fmt: skip
    guide: str | None = setting(
        None, "Draw the forms of this picture out of yours.", file="picture", group=GOAL,
        excludes=("class_name", "channel", "guide_class", "caricature", "group", "direction", "latent"),
        marks=("goal", "of a group"),
    )  # fmt: skip
    guide_form: str = setting(
        "best-match", "Each place follows the part of the guide that fits it best (by strength, or by cosine), or all "
        "places the guide's mean.", choices=("best-match", "cosine", "channels"), needs=("guide",), group=OTHERS,
        expert=True, marks=("of a group",),
    )  # fmt: skip
    guide_size: int | None = setting(
        None, "Shorter side of the guide in pixels; default: what the network was trained on.", minimum=16,
        maximum=4096, needs=("guide",), group=OTHERS, expert=True, marks=("of a group",),
    )  # fmt: skip
    guide_class: str | None = setting(
        None, "Class that guides a layer: its mean direction there.", group=GOAL, expert=True,
        excludes=("class_name", "guide", "channel", "caricature", "group", "direction", "latent"),
        marks=("goal", "of a group"),
    )  # fmt: skip
    direction: str | None = setting(
        None, "From one class to another, as TO-FROM: what separates them for the network is amplified.", late=True,
        needs=("direction_from",), group=GOAL, expert=True,
        excludes=("class_name", "guide", "guide_class", "channel", "caricature", "group", "latent"), marks=("goal",),
    )  # fmt: skip
    direction_from: str | None = setting(
        None, "File of class centers that 'reverie embed layers' wrote.", file="data", late=True, needs=("direction",),
        group=GOAL, expert=True,
    )  # fmt: skip
    caricature: bool = setting(
        False, "Exaggerate what the network already sees in the picture.", needs_input=True, group=GOAL, expert=True,
        excludes=("class_name", "guide", "guide_class", "channel", "group", "direction", "latent"), marks=("goal",),
    )  # fmt: skip
    caricature_power: float = setting(
        1.0, "How strictly a caricature keeps to what is there; 0 not at all.", minimum=0, maximum=8,
        needs=("caricature",), group=GOAL, expert=True,
    )  # fmt: skip
    target_from: str | None = setting(
        None, "Artwork whose textures to take on as well, or a folder that one is picked from by seed and file name.",
        file="picture", excludes=("group",), group=OTHERS, expert=True,
    )  # fmt: skip
    target_class: str | None = setting(
        None, "Pick the artwork from this subfolder.", needs=("target_from",), group=OTHERS, expert=True
    )
    target_layer: tuple[str, ...] = setting(
        (), "Layer whose statistics are matched; repeatable.", needs=("target_from",), group=OTHERS, expert=True
    )
    target_form: str = setting(
        "moments", "Which statistics are matched.", choices=("moments", "gram"), needs=("target_from",), group=OTHERS,
        expert=True,
    )  # fmt: skip
    target_weight: float = setting(
        3.0,
        "Weight of the artwork against the dream.",
        above=0,
        maximum=1000,
        needs=("target_from",),
        group=OTHERS,
        expert=True,
    )
    group: tuple[str, ...] = setting(
        (), "What to amplify inside a mask of its own, as mask=FILE,layer=NAME,strength=1; repeatable.", whole=True,
        inside=inside(Group), needs_input=True, group=OTHERS, expert=True,
        excludes=(
            "layer", "channel", "class_name", "guide", "guide_class", "caricature", "target_from", "direction", "latent"
        ),
        marks=("goal", MASK),
    )  # fmt: skip
    keep_colors: bool = setting(False, "The older name of --color keep.", needs_input=True, hidden=True, group=PICTURE)
    seed: int = setting(
        0, "Seed of jitter and noise; random draws one, each gives every picture of a folder its own.", minimum=0,
        maximum=2**63 - 1, group=HOW,
    )  # fmt: skip
    device: str = device_setting(several=True, group=MACHINE, expert=True)
    precision: str = gradient_precision_setting(group=MACHINE)
    tile: int | None = tile_setting(group=MACHINE)
    max_memory: str | None = max_memory_setting(group=MACHINE, expert=True)
    disk: str = setting(
        "auto", "Where the picture lies while it is dreamt; auto: in memory, unless the disk is needed or pays.",
        choices=("auto", "no", "yes"), replay=False, own=True, stored=False, group=MACHINE, expert=True,
    )  # fmt: skip

    @property
    def pace(self) -> float:
        """Mean change of a pixel per step: the size of a step times the strength, at most 1."""
        return min(1.0, self.step_size * self.strength)

    @property
    def keeps_colors(self) -> bool:
        """Whether the result has the picture's own hues and saturation."""
        return self.keep_colors or self.color == "keep"

    @property
    def masking(self) -> tuple[str, bool] | None:
        """The file that says where to dream, and whether it is black there; None for everywhere."""
        if self.keep is not None:
            return self.keep, True
        return None if self.mask is None else (self.mask, self.mask_invert)
