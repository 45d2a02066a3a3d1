"""Settings of `reverie train classifier`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting
from reverie.weights.embedded import EMBEDDED_NAMES

ARCHITECTURES = ("inception", "inception2", "vgg", "rep", "resnet18", "resnet50", "googlenet", "vgg16", "vgg19")


@dataclass(frozen=True)
class ClassifierConfig:
    """What a classifier learns from, and how it is trained."""

    data: str = setting("", "Pictures to learn from: a folder of class folders, or a zip of one.", file="folder")
    architecture: str = setting(
        "inception", "Network: the embedded family or torchvision's.", choices=ARCHITECTURES, alias=("--arch",),
    )  # fmt: skip
    init: str = setting(
        "", "Start from weights: 'embedded', 'pretrained' (torchvision's, fetched before), or a .safetensors file.",
        file="network", builtin=("", *EMBEDDED_NAMES, "pretrained"),
    )  # fmt: skip
    freeze_to: str = setting("", "Keep every layer up to and including this one as it is (fine-tuning).")
    input_px: int = setting(64, "Side of the pictures the network trains on.", minimum=16, maximum=1024)
    epochs: float = setting(30.0, "Passes over the data.", above=0)
    minutes: float | None = setting(None, "Time budget; replaces --epochs, the schedule ends with it.", above=0)
    batch: int = setting(128, "Pictures per step.", minimum=2)
    lr: float = setting(0.2, "Peak learning rate of SGD with Nesterov momentum 0.9, for a batch of 128.", above=0)
    weight_decay: float = setting(5e-4, "Weight decay of convolutions and linear layers.", minimum=0)
    warmup: float = setting(0.05, "Share of the schedule spent warming up.", minimum=0, maximum=0.9)
    label_smoothing: float = setting(0.1, "Label smoothing.", minimum=0, maximum=0.9)
    class_weights: bool = setting(False, "Weigh classes by the inverse square root of their size.")
    dropout: float = setting(0.2, "Dropout before the last layer (embedded family).", minimum=0, maximum=0.95)
    ema: float = setting(0.998, "Decay of the averaged weights that are evaluated and saved; 0 turns it off.",
                         minimum=0, maximum=0.99999)  # fmt: skip
    progressive: bool = setting(False, "Begin at 5/8 of --input-px and grow: faster at equal accuracy.")
    min_scale: float = setting(0.45, "Smallest share of the area that a random crop keeps.", above=0, maximum=1)
    flip: bool = setting(True, "Mirror half of the pictures.")
    color: float = setting(0.2, "Strength of brightness, contrast and saturation changes.", minimum=0, maximum=1)
    noise: float = setting(0.0, "Largest standard deviation of added noise, for pixels in [0, 1].",
                           minimum=0, maximum=1)  # fmt: skip
    blur: float = setting(0.0, "Share of the pictures that is blurred.", minimum=0, maximum=1)
    robust: float = setting(0.0, "Adversarial training: radius of the L2 ball in [0, 1] pixels at --input-px.",
                            minimum=0)  # fmt: skip
    robust_steps: int = setting(1, "Gradient steps of the attack.", minimum=1, maximum=50)
    teacher: str = setting(
        "", "Network whose features are learned beside the classes: an embedded one, a torchvision name, "
        "'googlenet-caffe', or a .safetensors file.", file="network", builtin=("", *EMBEDDED_NAMES), late=True,
    )  # fmt: skip
    teacher_weights: str | None = setting(
        None, "State dict for a named teacher, read as data.", file="network", builtin=("random",), needs=("teacher",),
        late=True,
    )  # fmt: skip
    distill: tuple[str, ...] = setting(
        (), "Layer that learns to foretell a layer of the teacher, as OWN=TEACHERS, optionally weighted as "
        "OWN=TEACHERS:WEIGHT; repeatable.", needs=("teacher",), late=True,
    )  # fmt: skip
    distill_weight: float = setting(1.0, "Weight of the teacher's features against the classes.", above=0,
                                    needs=("teacher",), late=True)  # fmt: skip
    teacher_zoom: float = setting(1.0, "How many times larger the teacher sees the pictures.", minimum=0.25,
                                  maximum=8, needs=("teacher",), late=True)  # fmt: skip
    patience: int = setting(0, "Stop after this many epochs without a better top-1; 0 never.", minimum=0)
    val: str = setting("", "Another folder or zip of class folders to validate on.", file="folder", builtin=("",))
    val_share: float = setting(0.1, "Share held out when the data has no validation folder.", minimum=0, maximum=0.9)
    seed: int = setting(0, "Seed of the split, the order, the augmentation and the first weights.", minimum=0)
    precision: str = setting(
        "auto", "Arithmetic of the network.", choices=("auto", "fp32", "bf16"), replay=False, group="machine"
    )
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps; several GPUs through 'accelerate launch'.",
                          replay=False, group="machine")  # fmt: skip
    track: str = setting("", "Also log to an experiment tracker.", choices=("", "wandb", "tensorboard"), replay=False,
                         group="machine", expert=True)  # fmt: skip
