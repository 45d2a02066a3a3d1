"""Files of generators: what they say of themselves is checked against their weights before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from reverie.errors import InputError, WeightsError, unknown_name
from reverie.models.build import check_fit, shapes_only
from reverie.models.stylegan2.config import KIND, SHIPPED_NAMES, GeneratorConfig, parse_config
from reverie.models.stylegan2.generator import Generator
from reverie.weights.boundary import reads
from reverie.weights.checkpoint import Description, load_model
from reverie.weights.in_folder import shipped_path

SHIPPED = {name: Path(__file__).parent.with_name(f"{name}.safetensors") for name in SHIPPED_NAMES}
FOREIGN = (".pkl", ".pt", ".pth")


@dataclass(frozen=True, eq=False)
class OpenGenerator:
    """A generator ready to draw, what its file says of it, and where that lies."""

    net: Generator
    about: Description
    path: Path

    @property
    def config(self) -> GeneratorConfig:
        """Its shape."""
        return self.net.config

    def class_vector(self, name: str | None, device: torch.device | None = None) -> Tensor | None:
        """Return ``[c_dim]`` of a class by name or number; None for a network without classes.

        Raises:
            InputError: no such class, or a network without.
        """
        count = self.config.c_dim
        if name is None:
            return None
        if not count:
            raise InputError(f"'{self.path.name}' has no classes; leave --class out")
        names = self.about.classes or tuple(str(i) for i in range(count))
        index = names.index(name) if name in names else int(name) if name.isdecimal() else -1
        if not 0 <= index < count:
            raise InputError(unknown_name("class", name, names))
        return torch.eye(count, device=device)[index]


def generator_path(model: str) -> Path:
    """Return the file of a shipped generator by name, or the path itself.

    Raises:
        WeightsError: no such name.
    """
    return shipped_path(model, SHIPPED, "generator")


@reads
def load_generator(path: Path) -> OpenGenerator:
    """Return the generator of a file, in float32 and eval mode.

    Raises:
        WeightsError: missing, broken, of another tool, or with weights that do not fit what it says.
    """
    if path.is_file() and path.suffix.lower() in FOREIGN:
        raise WeightsError(
            f"'{path}' is a file of another program; make one of ours of it: reverie latent open '{path}'"
        )
    state, about = load_model(path)
    if about.kind != KIND:
        raise WeightsError(
            f"'{path.name}' holds a network of kind '{about.kind}'; "
            "this needs a generator, from 'reverie train stylegan2' or 'reverie latent open'"
        )
    config = parse_config(about.options, path.name)
    return OpenGenerator(build_generator(config, state, path.name), about, path)


def build_generator(config: GeneratorConfig, state: Mapping[str, Tensor], name: str) -> Generator:
    """Return a generator with the weights of a file, ready to draw.

    Raises:
        WeightsError: a weight is missing, left over, or of another shape.
    """
    with shapes_only():
        net = Generator(config)
    check_fit(net.state_dict(), state, name)
    net.load_state_dict({key: value.float() for key, value in state.items()}, assign=True)
    net.synthesis.set_kernel(config.kernel)
    return net.prepared()


def describe(config: GeneratorConfig, classes: tuple[str, ...] = (), **about: object) -> Description:
    """Return what the file of a generator says of itself; `about` are further fields of `Description`."""
    return Description(
        architecture="stylegan2", classes=classes, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), input_px=config.size[0],
        kind=KIND, options=config.record(), **about,  # type: ignore[arg-type]
    )  # fmt: skip


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights in float16, as generators are shipped: half the size, and no difference that is seen."""
    return {name: value.half() for name, value in state.items()}
