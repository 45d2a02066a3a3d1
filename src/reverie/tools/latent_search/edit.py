"""`reverie latent directions` and `latent edit`: what a latent space can change, and changing it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Tool
from reverie.tools.latent.config import DirectionsConfig, EditConfig, parse_layers, upgraded
from reverie.tools.latent.sample import MODEL, PreparedGenerator, sheet_work

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.jobs.output import Output
    from reverie.models.stylegan2.generator import Noise
    from reverie.tools.latent_search.directions import Directions

COLUMNS = 7  # of the sheet: from -strength to +strength
PCA_SAMPLES = 20_000


class PreparedDirections(PreparedGenerator):
    """An open generator."""

    config: DirectionsConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: a sheet with a row for each direction, and the file of directions."""
        import torch

        from reverie.jobs.output import Bytes
        from reverie.models.stylegan2.latents import SUFFIX
        from reverie.tools.latent_search.directions import principal_directions, weight_directions

        config, model = self.config, self.model
        layers = parse_layers(config.layers, model.config.num_ws)
        count = min(config.count, model.config.w_dim)
        if config.method == "pca":
            found = principal_directions(model.net, count, config.samples, model.sha256, config.seed)
        else:
            found = weight_directions(model.net, count, layers, model.sha256)
        base = model.ws_of_seed(config.seed)
        amounts = torch.linspace(-config.strength, config.strength, COLUMNS).tolist()
        ws, names = [], []
        for number in range(count):
            for amount in amounts:
                ws.append(moved(base, found, number, layers, amount))
                names.append(f"{number}  {amount:+.1f}")
        noises: list[Noise] = ["const"] * len(ws)
        work = sheet_work(self, torch.stack(ws), tuple(names), noises, COLUMNS, None, names, False)
        sheet_only = work.outputs

        def outputs() -> Sequence[Output]:
            return [sheet_only()[0], Bytes(found.encoded, (SUFFIX,), "directions", inside=True)]

        return Steps(iter(work), outputs, plan=work.plan, chosen=work.chosen, notes=work.notes)


class PreparedEdit(PreparedGenerator):
    """An open generator and the directions that are moved along."""

    config: EditConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: the changed picture, or a strip that goes there, and its latents."""
        import torch

        moves = [self._move(text) for text in self.config.move]
        if not moves:
            raise InputError("nothing is changed; give --move, such as --move 0=2")
        base, directions = self._base(), self._directions()
        ws, names = [], []
        for step in range(1, self.config.strip + 1):
            share, point = step / self.config.strip, base
            if self.config.strip > 1:
                share = (step - 1) / (self.config.strip - 1)
            for (number, layers), amount in moves:
                point = moved(point, directions, number, layers, amount * share)
            ws.append(point)
            names.append(f"{share:.2f}")
        noises: list[Noise] = [self.model.noise_of(self.config.seed)] * len(ws)
        return sheet_work(self, torch.stack(ws), tuple(names), noises, self.config.strip, None, names, False)

    def _base(self) -> Tensor:
        from reverie.models.stylegan2.latents import read_latents

        if self.config.latent is None:
            return self.model.ws_of_seed(self.config.seed)
        latents = read_latents(Path(self.config.latent))
        self.model.check_fits(latents, self.config.latent)
        return latents.row(self.config.row).to(self.model.device)

    def _directions(self) -> Directions:
        from reverie.tools.latent_search.directions import principal_directions, read_directions

        if self.config.directions is not None:
            return read_directions(Path(self.config.directions), self.model.config.w_dim)
        return principal_directions(self.model.net, self.model.config.w_dim, PCA_SAMPLES, self.model.sha256)

    def _move(self, text: str) -> tuple[tuple[int, tuple[int, ...]], float]:
        from reverie.tools.latent_search.directions import parse_target

        target, _, amount = text.replace("=", ":").partition(":")  # the command line writes NAME=WEIGHT with a colon
        try:
            value = float(amount)
        except ValueError as error:
            raise InputError(f"--move takes NUMBER=AMOUNT or NUMBER@LAYERS=AMOUNT; got '{text[:60]}'") from error
        return parse_target(target, self.model.config.num_ws), value


def moved(ws: Tensor, directions: Directions, number: int, layers: Sequence[int], amount: float) -> Tensor:
    """Return ws ``[num_ws, w_dim]`` with some layers moved, `amount` standard deviations along a direction."""
    found = ws.clone()
    found[list(layers)] += amount * directions.step(number).to(ws)
    return found


LATENT_DIRECTIONS: Tool[DirectionsConfig] = Tool(
    name="latent directions", doing="drawing", ending="", summary="Find directions of a latent space: PCA or SeFa.",
    config=DirectionsConfig, prepare=PreparedDirections, upgrade=upgraded, roles=(MODEL,),
    examples=("reverie latent directions", "reverie latent directions --method sefa --layers coarse --count 6"),
)  # fmt: skip

LATENT_EDIT: Tool[EditConfig] = Tool(
    name="latent edit", doing="drawing", ending="", summary="Change a picture along directions of its latent space.",
    config=EditConfig, prepare=PreparedEdit, upgrade=upgraded, roles=(MODEL,),
    examples=(
        "reverie latent edit --seed 7 --move 0=2 --move 3@fine=-1.5",
        "reverie latent edit --latent rose-projected-latents.safetensors --move 1=3 --strip 7",
    ),
)  # fmt: skip
