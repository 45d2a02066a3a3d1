"""Settings of `reverie train stylegan2`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.errors import InputError
from reverie.jobs.blocks import device_setting
from reverie.models.stylegan2.config import SHIPPED_NAMES
from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

USUAL_PX, USUAL_WIDTH = 64, 2048


@dataclass(frozen=True)
class Stylegan2Config:
    """What a generator learns from, how large it is, what it is trained against, and for how long."""

    data: str = setting(
        "", "Pictures to learn from: a folder, a zip of one (folders inside are classes), or a film.", file="folder"
    )
    resolution: int | None = setting(
        None, "Side of the pictures: 16, 32, 64, ...; usually 64, with --minutes what there is time for.", minimum=8,
        maximum=1024, decided=True, group="network",
    )  # fmt: skip
    width: int | None = setting(
        None, "Channels at size S are this / S (the field's channel_base); usually 2048, with --minutes what there is "
        "time for.", minimum=64, maximum=65536, decided=True, group="network",
    )  # fmt: skip
    most_channels: int = setting(256, "Most channels of a layer.", minimum=8, maximum=512, group="network")
    latent: int = setting(128, "Values of a latent z.", minimum=4, maximum=512, group="network")
    w_dim: int = setting(256, "Values of a w.", minimum=4, maximum=512, group="network")
    mapping_lr: float = setting(0.1, "Learning rate of the mapping network, relative.", above=0, maximum=1,
                                group="network", expert=True)  # fmt: skip
    mapping_layers: int = setting(2, "Layers of the mapping network.", minimum=1, maximum=8, group="network")
    architecture: str = setting(
        "skip", "How colors leave the blocks.", choices=("skip", "resnet", "orig"), group="network"
    )
    start_from_latent: bool = setting(
        True, "The latent also gives the coarse arrangement, beside the constant of the paper: variety much sooner.",
        group="network",
    )  # fmt: skip
    noise: bool = setting(
        False, "Layers add noise, as in the paper; in short trainings it is taken for texture.", group="network"
    )
    labels: bool = setting(False, "Learn the classes too: one for each folder of pictures.", group="network")
    minutes: float | None = setting(None, "Time budget; overrides --kimg.", above=0)
    kimg: float = setting(200.0, "Thousands of pictures shown to the discriminator.", above=0)
    batch: int = setting(16, "Pictures per step.", minimum=2, maximum=256)
    against: str = setting(
        "critic",
        "Discriminator: 'critic', small heads on the frozen embedded critic (soon good pictures on small machines); "
        "'own', StyleGAN2's, learned from nothing.",
        choices=("critic", "own"), group="training",
    )  # fmt: skip
    augment: str = setting(
        "diff",
        "Augmentation of what the discriminator sees: 'diff' (DiffAugment), 'ada' (adaptive, for --against own), "
        "or none.",
        choices=("diff", "ada", "none"), group="training",
    )  # fmt: skip
    ada_target: float = setting(0.6, "Share of real pictures that ADA aims at.", minimum=0, maximum=1, group="training")
    mirror: bool = setting(True, "Show pictures mirrored too.", group="training")
    lr: float = setting(0.0025, "Learning rate of both networks.", above=0, maximum=0.1, group="training")
    lr_against: float | None = setting(None, "That of the discriminator alone.", above=0, maximum=0.1, group="training")
    cool: float = setting(
        0.3, "Share of the budget, at its end, over which learning rates fall to a tenth: details settle.",
        minimum=0, maximum=1, group="training",
    )  # fmt: skip
    loss: str = setting(
        "hinge", "Loss: 'logistic' (non-saturating), 'hinge', or 'r3' (relativistic, R1 and R2).",
        choices=("logistic", "hinge", "r3"), group="training",
    )  # fmt: skip
    gamma: float | None = setting(
        None, "Weight of R1; by default 0.0002 size^2 / batch for --against own.", minimum=0, group="training"
    )
    path_length: float = setting(
        0.0, "Weight of path length regularization; 2 in StyleGAN2.", minimum=0, group="training"
    )
    mixing: float = setting(0.9, "How often two styles are mixed.", minimum=0, maximum=1, group="training")
    ema_kimg: float | None = setting(None, "Half-life of the averaged weights.", above=0, group="training")
    snapshot_kimg: float = setting(10.0, "How often a sheet of samples and KID are made.", above=0, group="training")
    measured_by: str = setting(
        "embedded", "Network whose features KID and FID are of: 'embedded', a file, or a torchvision name such as "
        "inception_v3.", file="network", builtin=EMBEDDED_NAMES, late=True, group="training", expert=True,
    )  # fmt: skip
    measured_weights: str | None = setting(
        None, "State dict for such a name; without it, what 'reverie models fetch' has fetched.", file="network",
        late=True, needs=("measured_by",), group="training", expert=True,
    )  # fmt: skip
    measured_layer: str | None = setting(
        None, "Layer of it; usually the one before the classes.", late=True, group="training", expert=True
    )
    start: str | None = setting(
        None, "A generator to start from: 'flowers', which is shipped, or a file; the new one has its shape.",
        file="network", builtin=SHIPPED_NAMES, group="training",
    )  # fmt: skip
    anchor: float = setting(
        3.0,
        "How strongly each picture keeps a latent of its own that draws it: whole, varied pictures soon; 0 for none.",
        minimum=0, group="training",
    )  # fmt: skip
    anchor_kept: float = setting(
        0.1, "Share of --anchor that stays to the end: much keeps the pictures varied, little gives detail its way.",
        minimum=0, maximum=1, group="training",
    )  # fmt: skip
    anchor_kimg: float = setting(
        12.0, "Pictures learned from anchors alone before the discriminator begins.", minimum=0, group="training"
    )
    half: bool = setting(True, "Write the network in float16: half the size.", group="training")
    seed: int = setting(0, "Seed of everything that is random.", minimum=0, maximum=2**63 - 1)
    precision: str = setting("auto", "auto, fp32 or bf16.", choices=("auto", "fp32", "bf16"), group="machine")
    device: str = device_setting()

    @property
    def side_px(self) -> int:
        """Side of the pictures."""
        return self.resolution or USUAL_PX

    @property
    def channel_base(self) -> int:
        """Channels at size S are this / S."""
        return self.width or USUAL_WIDTH


def check_config(config: Stylegan2Config) -> None:
    """Refuse settings that contradict each other.

    Raises:
        InputError: names them.
    """
    if config.side_px & (config.side_px - 1):
        raise InputError(f"--resolution must be a power of two, such as 32, 64 or 128; got {config.side_px}")
    if config.augment == "ada" and config.against != "own":
        raise InputError("--augment ada adapts to StyleGAN2's own discriminator; add --against own, or use diff")
