"""The networks of one training: generator, its average, and what it is trained against."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor, nn

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.models.stylegan2.config import GeneratorConfig, channels_of
from reverie.models.stylegan2.discriminator import Discriminator, matching
from reverie.models.stylegan2.file import generator_path, load_generator
from reverie.models.stylegan2.generator import Generator
from reverie.train.randomness import private_random
from reverie.train.stylegan2.against import OnCritic, OwnDiscriminator
from reverie.train.stylegan2.config import Stylegan2Config
from reverie.train.stylegan2.pictures import Source

RAMP = 0.05  # of the pictures seen: the longest half-life of the average early on, so that the first weights fade
W_SPEED = 0.005  # of the running mean of w
EXAMPLES = 256  # pictures that set the scale of the critic's layers


def generator_config(config: Stylegan2Config, classes: int) -> GeneratorConfig:
    """Return the shape that the settings ask for, or that of the generator to start from."""
    if config.start is not None:
        return replace(start_shape(config.start), c_dim=classes)
    return GeneratorConfig(
        channels=channels_of(config.side_px, config.channel_base, config.most_channels), z_dim=config.latent,
        w_dim=config.w_dim, c_dim=classes, embed_dim=config.latent, mapping_layers=config.mapping_layers,
        mapping_width=config.w_dim, mapping_lr=config.mapping_lr, noise=config.noise,
        start="latent" if config.start_from_latent else "const", architecture=config.architecture,  # type: ignore[arg-type]
    )  # fmt: skip


def start_shape(model: str) -> GeneratorConfig:
    """Return the shape of a generator that training goes on from.

    Raises:
        InputError: it cannot be trained here.
    """
    path = generator_path(model)
    shape = load_generator(path).config
    if shape.architecture not in ("skip", "resnet", "orig"):
        raise InputError(f"--start '{path.name}' is a network of another kind; StyleGAN2 is what is trained here")
    if shape.base != (4, 4) or shape.colors != 3:
        raise InputError(
            f"--start '{path.name}' draws {shape.size[1]} x {shape.size[0]} px in {shape.colors} channels; "
            "training takes square pictures in color"
        )
    return shape


class Networks:
    """Generator, average and opponent, on their device.

    Args:
        config: their settings.
        source: what is learned from.
        critic: the frozen critic.
        device: where they compute.

    Raises:
        InputError: `start` is a network that cannot be trained here.
    """

    def __init__(self, config: Stylegan2Config, source: Source, critic: Critic, device: torch.device) -> None:
        shape = generator_config(config, len(source.classes))
        with private_random(device, config.seed):
            generator = Generator(shape)
            if config.start is not None:
                _start_from(generator, config.start)
            against = _against(config, shape, source, critic)
        self.generator = generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.against = against.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)

    @torch.no_grad()
    def follow(self, kimg: float, batch: int, half_kimg: float) -> None:
        """Move the average towards the generator: half of the way in `half_kimg`, or in 5 % of what was seen."""
        beta = 0.5 ** (batch / 1000 / max(min(half_kimg, kimg * RAMP), 1e-8))
        for ours, theirs in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            ours.lerp_(theirs, 1 - beta)
        for ours, theirs in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            ours.copy_(theirs)

    def state(self) -> dict[str, dict[str, Tensor]]:
        """Return all weights."""
        return {name: net.state_dict() for name, net in self._all().items()}

    def restore(self, state: dict[str, dict[str, Tensor]]) -> None:
        """Take weights that `state` gave."""
        for name, net in self._all().items():
            net.load_state_dict(state[name])

    def _all(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "against": self.against, "average": self.average}


def _against(config: Stylegan2Config, shape: GeneratorConfig, source: Source, critic: Critic) -> nn.Module:
    if config.against == "own":
        return OwnDiscriminator(Discriminator(matching(shape)))
    drawn = source.draw(min(EXAMPLES, source.count), torch.Generator().manual_seed(0), mirror=False)
    return OnCritic(critic, drawn.images, shape.c_dim)


def _start_from(generator: Generator, model: str) -> None:
    """Take the weights of a file; where the number of classes differs, what belongs to them stays new."""
    opened, ours = load_generator(generator_path(model)), generator.state_dict()
    theirs = opened.net.state_dict()
    if opened.config.c_dim != generator.config.c_dim:
        theirs = {name: value for name, value in theirs.items() if not name.startswith("mapping.embed.")}
        first = ours["mapping.fc0.weight"].clone()  # columns of z, then those of the class
        both = min(first.shape[1], theirs["mapping.fc0.weight"].shape[1])
        first[:, :both] = theirs["mapping.fc0.weight"][:, :both]
        theirs["mapping.fc0.weight"] = first
    generator.load_state_dict({**ours, **theirs})


def mixed_ws(generator: Generator, z: Tensor, classes: Tensor | None, mixing: float, random: torch.Generator) -> Tensor:
    """Return ws ``[B, num_ws, w_dim]`` of 2 B latents, layers behind a random one from the second half.

    Moves the generator's mean w along. Source: Karras et al. 2018, arXiv 1812.04948, section 3.1.
    """
    count, layers = len(z) // 2, generator.config.num_ws
    w = generator.mapping(z, None if classes is None else classes.repeat(2, 1))
    first, second = w[:count], w[count:]
    with torch.no_grad():
        generator.mapping.w_avg.lerp_(first.detach().mean(0), W_SPEED)
    cut = torch.randint(1, layers, (count,), generator=random)
    cut = torch.where(torch.rand(count, generator=random) < mixing, cut, layers)
    other = (torch.arange(layers)[None] >= cut[:, None])[..., None].to(w.device)
    return torch.where(other, second[:, None], first[:, None])
