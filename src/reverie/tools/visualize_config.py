"""Settings of `reverie visualize`; free of torch so that help is instant."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.settings import setting

PRIORS = ("pixel", "fourier", "stack", "bn", "maco")


@dataclass(frozen=True)
class VisualizeConfig:
    """What of a network is drawn, on what canvas, and how the result is chosen."""

    model: str = setting("embedded", "Network: 'embedded', a .safetensors file trained here, or a torchvision name.")
    weights: str | None = setting(
        None, "State dict for a torchvision name, read as data; 'random' for an untrained one."
    )
    class_name: str | None = setting(None, "Classes to draw, by name or number: one, several as a,b,c, or all.")
    layer: str | None = setting(None, "Layer to draw, as a whole or by --channel.")
    channel: tuple[int, ...] = setting((), "One picture for this channel of the layer; repeatable.")
    neuron: tuple[str, ...] = setting(
        (), "One neuron, as LAYER:CHANNEL or LAYER:CHANNEL:Y:X with shares of height and width; repeatable."
    )
    prior: str = setting("fourier", "What keeps the picture natural.", choices=PRIORS)
    size: int | None = setting(None, "Height and width in pixels; default: 256 for classes, 160 otherwise.", minimum=16)
    width: int | None = setting(None, "Width in pixels, where it differs from --size.", minimum=16)
    steps: int | None = setting(None, "Steps; default: the prior's own.", minimum=1, maximum=100_000)
    batch: int = setting(1, "Pictures of every target, made unlike each other.", minimum=1, maximum=64)
    diversity: float = setting(1.0, "How strongly the pictures of a batch avoid each other.", minimum=0)
    crops: int = setting(8, "Random crops that a step of a class picture looks at.", minimum=1, maximum=512)
    noise: float = setting(0.05, "Standard deviation of noise added to every crop.", minimum=0, maximum=1)
    best_of: int = setting(1, "Draw with this many seeds and keep the best by the verifier.", minimum=1, maximum=1000)
    verifier: str | None = setting(
        None, "Second network with the same classes that chooses; default: held-out crops of the first."
    )
    verifier_weights: str | None = setting(None, "State dict of the verifier, if it is a torchvision name.")
    alpha: bool = setting(False, "Make transparent what the network does not look at.")
    spectrum_from: str | None = setting(None, "Folder of pictures whose frequencies maco keeps; default: a formula's.")
    seed: int = setting(0, "Seed of the start, the crops and the noise.", minimum=0, maximum=2**63 - 1)
    device: str = setting("auto", "auto, cpu, cuda, cuda:N or mps.", replay=False)
    precision: str = setting(
        "auto", "Arithmetic of the network; auto measures.", choices=("auto", "fp32", "bf16"), replay=False
    )
