"""`reverie latent blend`: one generator out of two, by sizes: the arrangement of one, the surface of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.session import Session
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.latent.config import BlendConfig

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.jobs.output import Output
    from reverie.models.stylegan2.file import OpenGenerator


class PreparedBlend:
    """Two generators of one shape."""

    def __init__(self, config: BlendConfig, session: Session) -> None:
        from reverie.models.stylegan2.file import generator_path, load_generator

        self.config = config
        self.first, self.second = (load_generator(generator_path(name)) for name in (config.first, config.second))
        if self.first.config != self.second.config:
            raise InputError(
                f"'{config.first}' and '{config.second}' have different shapes; blend networks of one kind"
            )
        if self.first.config.alias_free is not None:
            raise InputError(f"'{config.first}' is a StyleGAN3, whose layers have no size of their own to blend at")
        largest = 4 << (self.first.config.stages - 1)
        if config.from_px > largest:
            raise InputError(
                f"--from-px {config.from_px}: the largest block has {largest} px, so nothing would come of the second"
            )
        self.notes: Sequence[str] = ()

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the blended network."""
        from dataclasses import replace

        from reverie.jobs.output import Network
        from reverie.models.stylegan2.file import halved

        state = blended(self.first, self.second, self.config.from_px, self.config.amount, self.config.ramp)

        def steps() -> Iterator[Report]:
            yield Report(1, 1, "networks")

        def outputs() -> list[Output]:
            own = {"first": Path(self.config.first).name, "second": Path(self.config.second).name}
            return [Network(halved(state), replace(self.first.about, metrics={}, recipe={}, data={"blend": own}))]

        height, width = self.first.config.size
        return Steps(steps(), outputs, plan=Plan({"size": [width, height]}, summary=f"{width} x {height} px"))


def blended(first: OpenGenerator, second: OpenGenerator, from_px: int, amount: float, ramp: int) -> dict[str, Tensor]:
    """Return weights: those of `first`, moved `amount` of the way to `second` in blocks of `from_px` and larger.

    The share grows over `ramp` blocks before that, evenly. Mapping and mean stay those of `first`, so that seeds and
    latents of `first` keep their meaning. Source: Pinkney & Adler 2020, arXiv 2010.05334.
    """
    ours, theirs = first.net.state_dict(), second.net.state_dict()
    found = {}
    for name, value in ours.items():
        share = amount * _share(name, from_px, ramp)
        found[name] = value.lerp(theirs[name], share) if share else value
    return found


def _share(name: str, from_px: int, ramp: int) -> float:
    """Return how far a weight is moved, in [0, 1]: by the size of its block."""
    if not name.startswith("synthesis.b"):
        return 0.0
    size = int(name.split(".")[1][1:])
    behind = size.bit_length() - (from_px - 1).bit_length() + ramp  # 1 for the first block of the ramp
    return min(1.0, max(0.0, behind / (ramp + 1)))


LATENT_BLEND: Tool[BlendConfig] = Tool(
    name="latent blend", doing="blending", ending="blended",
    summary="Make one generator of two: the arrangement of one, the surface of the other.",
    config=BlendConfig, prepare=PreparedBlend,
    roles=(
        Role("first", "network", "Generator that arranges."),
        Role("second", "network", "Generator, best trained on from the first, that gives the surface."),
    ),
    makes="network", suffix=".safetensors", name_of=lambda config: Path(config.first).stem,
    examples=("reverie latent blend flowers paintings.safetensors --from-px 32 -o blended.safetensors",),
)  # fmt: skip
