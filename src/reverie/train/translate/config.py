"""Settings of `reverie train translate`; free of torch so that help is instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.settings import setting

PIX2PIX = "pix2pix"
STYLE = "style:"
LEAST_SEEN_PX = 24  # that a discriminator gives one score for


def student_file(text: str, change: Callable[[str, str], str]) -> str:
    """Return the text of a filter with the name of a student's file changed; see `setting(inside=...)`."""
    return STYLE + change("student", text.removeprefix(STYLE)) if text.startswith(STYLE) else text


@dataclass(frozen=True)
class TranslateConfig:
    """What a network learns to do to pictures, how large it is, and for how long it learns."""

    data: str = setting("", "Pictures to learn from: a folder, a zip, or one picture.", file="folder")
    filter: str = setting(
        "sobel",
        "What is learned: sobel, scharr, laplacian, gaussian, dog, xdog, emboss, median, bilateral, kuwahara, "
        "posterize, random, style:STUDENT.safetensors, or a function of your own as FILE.py:FUNCTION, which is run.",
        group="task", runs_code=True, inside=student_file,
    )  # fmt: skip
    filter_param: tuple[str, ...] = setting(
        (), "Parameter of the filter, as sigma=1.5; as sigma=0.5..3 the network is told it later by --param. "
        "Repeatable.", group="task", whole=True,
    )  # fmt: skip
    targets: str | None = setting(
        None, "What is to become of the pictures, instead of a filter: a folder or zip of the same names.",
        file="folder", group="task", excludes=("side_by_side", "filter_param"),
    )  # fmt: skip
    side_by_side: bool = setting(
        False, "Every picture holds a pair: left what is given, right what is to become of it.", group="task",
        excludes=("targets", "filter_param"),
    )  # fmt: skip
    skip_unpaired: bool = setting(
        False,
        "Leave out pictures without a partner, or with one of another size, instead of refusing.",
        group="task",
        needs=("targets",),
    )
    given: str = setting(
        "color", "What the pictures hold: color, grey, alpha (color and transparency), labels:N, class numbers from 0 "
        "to N-1, or channels:N, arrays of N channels in .npy files; channels:N:LOW..HIGH says their range.",
        group="task", needs=("targets", "side_by_side"), late=True,
    )  # fmt: skip
    wanted: str = setting(
        "color", "What the targets hold: color, grey, alpha, labels:N, or channels:N.", group="task",
        needs=("targets", "side_by_side"), late=True,
    )  # fmt: skip
    architecture: str = setting(
        "can", "Network: can for filters, pix2pix for pairs, autoencoder as a baseline.",
        choices=("can", PIX2PIX, "autoencoder"), group="network",
    )  # fmt: skip
    generator: str = setting(
        "unet", "Network of pix2pix.", choices=("unet", "resnet"), group="network",
        needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    width: int | None = setting(
        None, "Channels; usually 24, of pix2pix 32.", minimum=4, maximum=256, group="network", decided=True
    )
    depth: int | None = setting(
        None, "Layers of a can, each sees one pixel further (usually 4); halvings of a U-Net (4); blocks of a ResNet "
        "(6).", minimum=1, maximum=16, group="network", decided=True,
    )  # fmt: skip
    dilated: bool = setting(
        False, "Every layer of a can sees twice as far as the one before it.", group="network",
        needs=("architecture=can",), late=True,
    )  # fmt: skip
    dropout: float = setting(
        0.0, "Share of values that pix2pix drops while it learns.", minimum=0, maximum=0.9, group="network",
        needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    loss: str | None = setting(
        None, "What is made small: l1 (usual for pix2pix), the mean square (usual for filters), or for classes "
        "entropy, the logarithm of what the right class lacks to 1 (usual for them in pix2pix).",
        choices=("l1", "mse", "entropy"), group="loss", decided=True, late=True,
    )  # fmt: skip
    gan: float = setting(
        1.0, "Weight of the discriminator in pix2pix, where the difference has 100; 0 for the difference alone.",
        minimum=0, maximum=1000, group="loss", needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    gan_after: float | None = setting(
        None, "Part of the run after which the discriminator begins; before, the difference alone is learned, which "
        "takes half the time; usually 0.6.", minimum=0, maximum=1, group="loss", needs=(f"architecture={PIX2PIX}",),
        late=True, decided=True,
    )  # fmt: skip
    ssim: float | None = setting(
        None, "Weight of what SSIM lacks to 1 in pix2pix, where the difference has 100; usually 30 beside a "
        "discriminator, 0 without.", minimum=0, maximum=1000, group="loss", needs=(f"architecture={PIX2PIX}",),
        late=True, decided=True,
    )  # fmt: skip
    perceptual: float | None = setting(
        None, "Weight of the distance by the embedded network's features in pix2pix, where the difference has 100; "
        "usually 10 beside a discriminator where colors are wanted, else 0.", minimum=0, maximum=1000, group="loss",
        needs=(f"architecture={PIX2PIX}",), late=True, decided=True,
    )  # fmt: skip
    feature_matching: float = setting(
        10.0, "Weight of the difference of the discriminator's features.", minimum=0, maximum=1000, group="loss",
        needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    scales: int = setting(
        1, "Sizes at which the discriminator looks, each half of the one before.", minimum=1, maximum=3,
        group="loss", needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    gan_loss: str = setting(
        "softplus", "Loss of the discriminator.", choices=("softplus", "hinge"), group="loss",
        needs=(f"architecture={PIX2PIX}",), late=True, expert=True,
    )  # fmt: skip
    diff_augment: bool = setting(
        False, "Vary what the discriminator sees; for few pairs.", group="loss",
        needs=(f"architecture={PIX2PIX}",), late=True,
    )  # fmt: skip
    minutes: float | None = setting(None, "Time budget that ends the schedule; overrides --steps.", above=0)
    steps: int = setting(4000, "Steps of the schedule.", minimum=1)
    batch: int = setting(4, "Pictures per step.", minimum=1, maximum=256)
    crop_px: int = setting(64, "Side of the crops.", minimum=16, maximum=2048)
    zoom: float = setting(
        1.0,
        "Largest part of a picture's shorter side that a crop takes; 0 for none made smaller.",
        minimum=0,
        maximum=1,
    )
    augment: str = setting(
        "mirror", "How crops are varied: mirror half of them, also in quarter turns, or none.",
        choices=("mirror", "turns", "none"), late=True,
    )  # fmt: skip
    lr: float | None = setting(
        None, "Peak learning rate of Adam; usually 0.003, of pix2pix 0.0005.", above=0, maximum=1, decided=True
    )
    warmup: float = setting(0.02, "Share of the run in which the learning rate rises.", minimum=0, maximum=0.5)
    ema: float = setting(0.998, "Decay of the averaged weights that are the result.", minimum=0, maximum=0.99999)
    held_out: float = setting(
        0.1, "Share of the pictures that is measured on and not learned from.", minimum=0, maximum=0.5
    )
    validate_every: int | None = setting(
        None, "Steps between two measurements on held-out pictures; usually as many as all pictures need, 200 at "
        "least.", minimum=1, decided=True, late=True,
    )  # fmt: skip
    keep: str | None = setting(
        None, "Which weights are the result: those of the best PSNR, SSIM or L1 on held-out pictures, or the last "
        "(usual with a discriminator, which PSNR does not measure).", choices=("psnr", "ssim", "l1", "last"),
        decided=True, late=True,
    )  # fmt: skip
    patience: int = setting(
        0, "Measurements without a better one after which the run ends; 0 for none.", minimum=0, late=True
    )
    track: str = setting(
        "", "Send the numbers to TensorBoard or W&B as well.", choices=("", "tensorboard", "wandb"), replay=False
    )
    seed: int = setting(0, "Seed of the first weights, the crops and a random filter.", minimum=0, maximum=2**63 - 1)
    device: str = device_setting(group="")


def upgraded(record: Mapping[str, object]) -> Mapping[str, object]:
    """Return the record of a pix2pix that says nothing of losses that became usual later, as it was trained."""
    config = record.get("config")
    if not isinstance(config, Mapping) or config.get("architecture") != PIX2PIX or "perceptual" in config:
        return record
    first = {} if "ssim" in config else {"loss": "l1", "ssim": 0.0, "gan_after": 0.0}
    return {**record, "config": {"perceptual": 0.0, **first, **config}}


def check_config(config: TranslateConfig) -> None:
    """Refuse settings that contradict each other.

    Raises:
        InputError: names both.
    """
    if config.keep not in (None, "last") and config.held_out == 0:
        raise InputError(f"--keep {config.keep} needs held-out pictures; --held-out is 0")
    if config.patience and config.held_out == 0:
        raise InputError("--patience needs held-out pictures; --held-out is 0")
    if config.architecture != PIX2PIX:
        return
    if config.generator == "unet" and (config.depth or 0) > 8:
        raise InputError(f"a U-Net is halved 1 to 8 times; got --depth {config.depth}")
    least = LEAST_SEEN_PX * 2 ** (config.scales - 1)
    if (config.gan or config.feature_matching) and config.crop_px < least:
        at = f"{config.scales} scale" + ("s" if config.scales > 1 else "")
        raise InputError(f"a discriminator at {at} needs crops of {least} px; got --crop-px {config.crop_px}")
