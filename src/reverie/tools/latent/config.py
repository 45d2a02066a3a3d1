"""Settings of `reverie latent ...`; free of torch so that help is instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.jobs.film import EncodingSettings
from reverie.models.stylegan2.config import SHIPPED_NAMES
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

MOST_SEEDS = 10_000
WALK_S = 10.0
MOST_SEED = 2**32 - 1  # of numpy's generator, whose numbers the field's seeds mean


@dataclass(frozen=True, kw_only=True)
class GeneratorSettings:
    """Which generator draws, and how."""

    model: str = setting(
        "flowers", "Generator: 'flowers', which is shipped, or a file of 'reverie train stylegan2'.", file="network",
        builtin=SHIPPED_NAMES,
    )  # fmt: skip
    truncation: float = setting(
        0.7, "How far from the mean: 0 the mean picture, 1 as trained, more is wilder.", minimum=-2, maximum=4,
        group="picture",
    )  # fmt: skip
    class_name: str | None = setting(None, "Class to draw, by name or number.", flag="--class", group="picture")
    noise: str = setting(
        "const", "Grain that layers add: the network's own, new for each seed, or none.",
        choices=("const", "seed", "none"), group="picture",
    )  # fmt: skip
    device: str = device_setting()
    precision: str = setting(
        "auto", "Arithmetic; auto takes bf16 for large StyleGAN2 networks where the processor has it.",
        choices=("auto", "fp32", "bf16"), replay=False, counts=True, group="machine", expert=True,
    )  # fmt: skip
    tiles: str = setting(
        "loops", "How large layers are computed in fp32: in compiled loops or, as in results of before, by products of "
        "matrices; they differ in the last bits.",
        choices=("loops", "products"), late="products", group="machine", expert=True,
    )  # fmt: skip


def upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record of a result that says nothing of tiles, from before there were loops, as it was made."""
    config = record.get("config")
    if not isinstance(config, Mapping) or not record.get("version"):
        return record
    return {**record, "config": {"tiles": "products", **config}}


@dataclass(frozen=True, kw_only=True)
class SampleConfig(GeneratorSettings):
    """Which pictures are drawn."""

    seeds: str = setting("0-15", "Seeds: numbers and ranges, such as 0-15 or 3,7,20-29.")
    columns: int | None = setting(None, "Columns of the sheet.", minimum=1, maximum=100, group="picture")
    tile_px: int | None = setting(None, "Side of a picture on the sheet.", minimum=16, maximum=2048, group="picture")
    pictures: bool = setting(False, "Also write every picture into a folder beside the sheet.", group="picture")
    captions: bool = setting(True, "Write the seeds below the pictures.", group="picture")


@dataclass(frozen=True, kw_only=True)
class MixConfig(GeneratorSettings):
    """Which styles are crossed."""

    seeds: str = setting("0-3", "Seeds of the rows, which give everything but the mixed layers.")
    styles: str = setting("10-15", "Seeds of the columns, which give the mixed layers.")
    layers: str = setting(
        "middle",
        "Layers that the columns give: coarse, middle, fine, or numbers and ranges such as 4-7.",
    )
    tile_px: int | None = setting(None, "Side of a picture on the sheet.", minimum=16, maximum=2048, group="picture")


@dataclass(frozen=True, kw_only=True)
class KeptFrames:
    """Where drawn frames are kept, so that a changed film draws only what has changed."""

    keep: str | None = setting(
        None, "Folder of drawn frames: what a changed film shares with earlier ones is taken from there.",
        replay=False, stored=False, late=True, group="film",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class HeardSettings:
    """What a film of latents sounds like, and which song drives it."""

    sound: bool = setting(
        False, "Make a sound of its way and colors; 'reverie sound film' has all settings of it.", late=True,
        excludes=("song",), group="sound",
    )  # fmt: skip
    song: str | None = setting(None, "A song, laid under the film.", file="data", late=True, group="sound")
    map: tuple[str, ...] = setting(
        (), "What of the song drives what: BAND=PARAMETER:FROM:TO, such as bass=spread:0.7:1.3; bands: bass, low, "
        "middle, high, air, level, onset, beat; parameters: speed, spread, direction N.", late=True, needs=("song",),
        group="sound",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WalkConfig(GeneratorSettings, HeardSettings, EncodingSettings, KeptFrames):
    """Where a film walks."""

    seeds: str = setting(
        "0-7", "Seeds of the places that are passed; a circle goes round two, a noise loop begins at one."
    )
    path: str = setting(
        "spline",
        "How: 'lerp' straight in w, 'slerp' on the sphere of z, 'spline' smooth in w, 'circle' round a circle of z, "
        "'noise' a smooth random loop.",
        choices=("lerp", "slerp", "spline", "circle", "noise"),
    )  # fmt: skip
    seconds: float | None = setting(
        None, f"Length of the film; default: that of its song, else {WALK_S:g}.", above=0, maximum=86_400
    )  # fmt: skip
    fps: float = setting(30.0, "Frames a second.", above=0, maximum=240, group="film")
    loop: bool = setting(True, "Come back to the first place, without a double frame.", group="film")
    turns: float = setting(
        1.0, "Rounds of a circle, or how restless a noise loop is.", above=0, maximum=1000, group="film"
    )
    size: int | None = setting(None, "Enlarge the frames to this height, sharp pixels kept soft.", minimum=16,
                               maximum=8192, group="film")  # fmt: skip
    preview: bool = setting(False, "Draw a quick, rough proxy.", group="film")


@dataclass(frozen=True, kw_only=True)
class JourneyConfig(GeneratorSettings, HeardSettings, EncodingSettings, KeptFrames):
    """Which journey is filmed."""

    journey: str = setting("", "The journey: a YAML file of keys.", file="text")
    fps: float | None = setting(None, "Frames a second; else what the journey says.", above=0, maximum=240,
                                group="film")  # fmt: skip
    size: int | None = setting(None, "Enlarge the frames to this height.", minimum=16, maximum=8192, group="film")
    preview: bool = setting(False, "Draw a quick, rough proxy.", group="film")


@dataclass(frozen=True, kw_only=True)
class ProjectConfig(GeneratorSettings):
    """How a photograph is looked for in latent space."""

    steps: int = setting(200, "Steps of each of the two stages, in W and in W+.", minimum=0, maximum=100_000)
    starts: int | None = setting(
        None, "Random pictures whose best the search begins with; by default 2000 of 64 px, fewer of larger networks.",
        minimum=1, maximum=1_000_000,
    )  # fmt: skip
    lr: float = setting(0.1, "Step size of Adam.", above=0, maximum=10)
    rate: str = setting(
        "ramp", "How the step size goes over a stage: 'ramp' rises, stays and falls, 'cosine' only falls.",
        choices=("ramp", "cosine"), expert=True,
    )  # fmt: skip
    pixels: float = setting(2.0, "Weight of the pixels beside the critic's layers.", minimum=0, maximum=1000)
    seed: int = setting(0, "Seed of the starts.", minimum=0, maximum=MOST_SEED)


def upgraded_project(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record of a search that says nothing of its rate, from before there were two, as it was made."""
    record = upgraded(record)
    config = record.get("config")
    if not isinstance(config, Mapping) or not record.get("version") or "rate" in config:
        return record
    return {**record, "config": {"rate": "cosine", "lr": 0.05, "pixels": 1.0, **config}}


@dataclass(frozen=True, kw_only=True)
class DirectionsConfig(GeneratorSettings):
    """Which directions are found."""

    method: str = setting(
        "pca", "'pca' of many w (GANSpace), or 'sefa', from the weights alone.", choices=("pca", "sefa")
    )
    layers: str = setting("all", "Layers that SeFa looks at and that the sheet moves: all, coarse, middle, fine, 4-7.")
    count: int = setting(8, "Directions.", minimum=1, maximum=512)
    samples: int = setting(20_000, "w that the PCA sees.", minimum=100, maximum=10_000_000)
    strength: float = setting(2.0, "How far the sheet moves, in standard deviations.", above=0, maximum=100)
    seed: int = setting(0, "Seed of the picture that is moved.", minimum=0, maximum=MOST_SEED)


@dataclass(frozen=True, kw_only=True)
class EditConfig(GeneratorSettings):
    """What is changed in one picture."""

    latent: str | None = setting(None, "Saved latents, FILE or FILE#NAME.", file="network")
    row: str | None = setting(None, "Which of the saved latents, by name or number.", needs=("latent",))
    seed: int = setting(0, "Seed of the picture, where there are no saved latents.", minimum=0, maximum=MOST_SEED)
    directions: str | None = setting(None, "A file of 'latent directions'; else PCA is done now.", file="network")
    move: tuple[str, ...] = setting((), "NUMBER=AMOUNT or NUMBER@LAYERS=AMOUNT, such as 0=2 or 3@fine=-1.5.")
    strip: int = setting(1, "Pictures from no change to the whole, side by side.", minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class ExploreConfig(GeneratorSettings):
    """How large a map is drawn."""

    across: int = setting(8, "Seeds from left to right.", minimum=2, maximum=100)
    down: int = setting(8, "Seeds from top to bottom.", minimum=2, maximum=100)
    between: int = setting(4, "Steps from one seed to the next.", minimum=1, maximum=32)
    tile_px: int = setting(64, "Side of a picture.", minimum=16, maximum=512)
    seed: int = setting(0, "The first seed; the others follow.", minimum=0, maximum=MOST_SEED - 10_000)
    preview: bool = setting(False, "Draw quick, rough proxies.")


@dataclass(frozen=True, kw_only=True)
class ConformConfig(GeneratorSettings, EncodingSettings, KeptFrames):
    """Which edit is made again."""

    edit: str = setting("", "The edit: EDL, OpenTimelineIO, Kdenlive, MLT, FCPXML.", file="text")
    fps: float | None = setting(
        None, "Frames a second of clips and edit; usually those that the edit says, else 30.", above=0, maximum=240,
        group="film",
    )  # fmt: skip
    size: int | None = setting(None, "Enlarge the frames to this height.", minimum=16, maximum=8192, group="film")
    preview: bool = setting(False, "Draw a quick, rough proxy.", group="film")


@dataclass(frozen=True, kw_only=True)
class BlendConfig:
    """How two generators become one."""

    first: str = setting("", "Generator that arranges.", file="network", builtin=SHIPPED_NAMES)
    second: str = setting("", "Generator that gives the surface.", file="network", builtin=SHIPPED_NAMES)
    from_px: int = setting(32, "Blocks of this size and larger are the second's.", minimum=4, maximum=4096)
    amount: float = setting(1.0, "How far they go over to the second.", minimum=0, maximum=1)
    ramp: int = setting(0, "Blocks before that in which the share grows.", minimum=0, maximum=10)


@dataclass(frozen=True, kw_only=True)
class LatentDreamConfig(GeneratorSettings):
    """What is dreamt of, moving through latent space."""

    toward: str | None = setting(None, "Class of the critic, by name or number.", excludes=("layer",))
    layer: str | None = setting(None, "Layer of the critic to excite.")
    channel: int | None = setting(None, "One channel of it.", minimum=0, needs=("layer",))
    critic: str = setting(
        "embedded", "Network that sees: 'embedded', or a file of 'reverie train classifier'.", file="network",
        builtin=EMBEDDED_NAMES,
    )  # fmt: skip
    steps: int = setting(60, "Steps.", minimum=1, maximum=100_000)
    lr: float = setting(0.03, "Step size of Adam.", above=0, maximum=10)
    apart: bool = setting(False, "Let layers differ (W+): farther from what the network learned.")
    reach: float = setting(
        1.5, "How far from the center, in mean distances of w.", above=0, maximum=100, flag="--max-distance",
        alias=("--reach",),
    )  # fmt: skip
    seed: int = setting(0, "Seed of the picture that it begins with.", minimum=0, maximum=MOST_SEED)


def parse_numbers(text: str, flag: str = "--seeds", most: int = MOST_SEED) -> tuple[int, ...]:
    """Return the numbers of a text such as "0-3,7".

    Raises:
        InputError: another form, or too many.
    """
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"{flag} takes numbers and ranges, such as 0-15 or 3,7,20-29; got '{text[:60]}'")
        low, high = int(first), int(last if dash else first)
        if high < low or high > most:
            kind = "range from a smaller to a larger number" if dash else "number"
            raise InputError(f"{flag}: '{part.strip()}' is no {kind} up to {most}")
        if high - low + len(found) >= MOST_SEEDS:
            raise InputError(f"{flag} names more than {MOST_SEEDS} numbers")
        found += range(low, high + 1)
    return tuple(found)


def parse_layers(text: str, num_ws: int) -> tuple[int, ...]:
    """Return layers by the name of their group, or by numbers.

    Coarse are those up to 8 px (w 0 to 3), middle up to 32 px (4 to 7), fine the rest: Karras et al. 2018, section 3.1.

    Raises:
        InputError: no such layer.
    """
    groups = {"all": range(num_ws), "coarse": range(4), "middle": range(4, 8), "fine": range(8, num_ws)}
    if text in groups:
        return tuple(i for i in groups[text] if i < num_ws)
    if not set(text) <= set("0123456789,- "):
        raise InputError(f"layers are {', '.join(groups)}, or numbers such as 0-3,7; got '{text[:60]}'")
    return parse_numbers(text, "--layers", num_ws - 1)
