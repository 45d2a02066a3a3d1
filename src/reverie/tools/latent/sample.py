"""`reverie latent sample` and `latent mix`: pictures of seeds, and seeds crossed with the styles of others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.jobs.given import Given
from reverie.jobs.part_files import part_folder, read_part, write_part
from reverie.jobs.session import Session
from reverie.jobs.spread import Spread
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Plan, Report
from reverie.tools.latent.config import (
    GeneratorSettings,
    MixConfig,
    SampleConfig,
    parse_layers,
    parse_numbers,
    upgraded,
)

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from reverie.jobs.output import Bytes, Output
    from reverie.models.stylegan2.generator import Noise
    from reverie.tools.latent.model import LatentModel

SHEET_PX = 1600  # about as wide as a sheet becomes where nobody says
MODEL = Role(
    "model",
    "network",
    "Generator: 'flowers', which is shipped, or a file of 'reverie train stylegan2'.",
    required=False,
)


class PreparedGenerator:
    """An open generator."""

    def __init__(self, config: GeneratorSettings, session: Session) -> None:
        from reverie.tools.latent.model import LatentModel

        self.config, self.model = config, LatentModel(config, session)
        self.notes: Sequence[str] = ()


class PreparedSamples(PreparedGenerator):
    """Pictures of seeds."""

    config: SampleConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: a sheet (one picture where there is one seed), the latents, and the pictures if asked."""
        import torch

        seeds = parse_numbers(self.config.seeds)
        ws = torch.stack([self.model.ws_of_seed(s) for s in seeds])
        noises: list[Noise] = [self.model.noise_of(s) for s in seeds]
        names = tuple(str(s) for s in seeds)
        columns = self.config.columns or math.ceil(math.sqrt(len(seeds) * 1.6))
        called = [self.model.class_of_seed(s) for s in seeds]
        captions = [n if c is None else f"{n} {c}" for n, c in zip(names, called, strict=True)]
        captions = captions if self.config.captions else []
        return sheet_work(
            self, ws, names, noises, columns, self.config.tile_px, captions, self.config.pictures, scratch=scratch
        )


class PreparedMix(PreparedGenerator):
    """Seeds crossed with styles."""

    config: MixConfig

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the work: rows of seeds, the first of each as it is, the others with the columns' layers."""
        import torch

        rows = parse_numbers(self.config.seeds)
        styles = parse_numbers(self.config.styles, "--styles")
        layers = list(parse_layers(self.config.layers, self.model.config.num_ws))
        own = {s: self.model.ws_of_seed(s) for s in {*rows, *styles}}
        ws: list[Tensor] = [torch.zeros_like(own[rows[0]]), *(own[s] for s in styles)]
        names = ["", *(f"style {s}" for s in styles)]
        for row in rows:
            ws.append(own[row])
            names.append(f"seed {row}")
            for style in styles:
                mixed = own[row].clone()
                mixed[layers] = own[style][layers]
                ws.append(mixed)
                names.append(f"{row} with {style}")
        noises: list[Noise] = ["const"] * len(ws)
        return sheet_work(
            self, torch.stack(ws), tuple(names), noises, len(styles) + 1, self.config.tile_px, names, False,
            corner=True, scratch=scratch,
        )  # fmt: skip


def sheet_work(
    prepared: PreparedGenerator, ws: Tensor, names: tuple[str, ...], noises: Sequence[Noise], columns: int,
    tile_px: int | None, captions: Sequence[str], files: bool, *, corner: bool = False, scratch: Path | None = None,
) -> Steps:  # fmt: skip
    """Return the work that draws rows of ws onto a sheet; `corner` leaves the first place empty."""
    model = prepared.model
    side = tile_px or max(64, min(max(model.config.size), SHEET_PX // columns))
    rows = _Rows(model, ws, names, noises, corner, scratch)

    def sheet() -> np.ndarray:
        from reverie.media.sheet import contact_sheet

        if len(ws) == 1:
            return rows.made[0]
        return contact_sheet(rows.made, columns=columns, tile_px=side, captions=list(captions)[: len(rows.made)])

    def outputs() -> list[Output]:
        from reverie.jobs.output import Folder, Picture

        found: list[Output] = [Picture(sheet()), rows.saved()]
        return [*found, Folder(rows.fill, "pictures")] if files else found

    height, width = model.config.size
    plan = Plan({"size": [width, height], "pictures": len(ws), "columns": columns}, summary=f"{width} x {height} px")
    return Steps(rows.steps(), outputs, plan=plan, chosen=model.chosen, spread=rows.spread)


class _Rows:
    """Pictures of rows of ws, drawn some at once, here or elsewhere; with a corner, the first is left empty."""

    def __init__(
        self, model: LatentModel, ws: Tensor, names: tuple[str, ...], noises: Sequence[Noise], corner: bool,
        scratch: Path | None,
    ) -> None:  # fmt: skip
        self.model, self.ws, self.names, self.noises = model, ws, names, noises
        self.corner, self._scratch = corner, scratch
        self.made: list[np.ndarray] = []
        self._at_once = model.at_once if all(isinstance(n, str) for n in noises) else 1
        self._starts = range(0, len(ws), self._at_once)
        self.spread = Spread(self._part)

    def steps(self) -> Iterator[Report]:
        """Draw them all."""
        if self.spread.elsewhere:
            yield from self._elsewhere()
            return
        for start in self._starts:
            self.made.extend(self._drawn(start))
            yield Report(len(self.made), len(self.ws), "pictures", preview=lambda: self.made[-1])

    def fill(self, folder: Path) -> None:
        """Write each picture under its name."""
        from reverie.media.write import write_picture

        for name, picture in zip(self.names, self.made, strict=False):
            write_picture(folder / f"{name}.png", picture)

    def saved(self) -> Bytes:
        """Return the latents of those that are drawn."""
        shown = slice(1 if self.corner else 0, len(self.made))
        return self.model.saved(self.ws[shown], self.names[shown])

    def _drawn(self, start: int) -> Sequence[np.ndarray]:
        from reverie.tools.latent.model import as_bytes

        part = self.model.draw(self.ws[start : start + self._at_once], self.noises[start])
        if self.corner and start == 0:
            part[0] = 24 / 255  # the sheet's ground
        return list(as_bytes(part))

    def _part(self, start: int, folder: Path) -> Sequence[str]:
        write_part(folder, start, self._drawn(start))
        return ()

    def _elsewhere(self) -> Iterator[Report]:
        assert self._scratch is not None
        with part_folder(self._scratch) as folder:
            for number, _ in enumerate(self.spread.made(self._starts, folder), start=1):
                yield Report(min(number * self._at_once, len(self.ws)), len(self.ws), "pictures")
            for start in self._starts:
                self.made.extend(read_part(folder, start))


LATENT_SAMPLE: Tool[SampleConfig] = Tool(
    name="latent sample", doing="drawing", ending="", summary="Draw pictures of seeds, onto a sheet.",
    config=SampleConfig, prepare=PreparedSamples, upgrade=upgraded, roles=(MODEL,), spreads=True,
    examples=(
        "reverie latent sample --seeds 0-99 --truncation 0.7",
        "reverie latent sample mine.safetensors --seeds 7 --class rose",
    ),
)  # fmt: skip

LATENT_MIX: Tool[MixConfig] = Tool(
    name="latent mix", doing="mixing", ending="", summary="Cross the styles of seeds on a sheet.",
    config=MixConfig, prepare=PreparedMix, upgrade=upgraded, roles=(MODEL,), spreads=True,
    examples=("reverie latent mix --seeds 0-3 --styles 10-15 --layers middle",),
)  # fmt: skip
