"""An activation atlas: what a layer sees in a collection, drawn cell by cell on a map of its activations.

One position of each picture gives an activation. These are laid out like a map, a grid is laid over it, and the mean
activation of each cell is drawn by a picture that points the same way.

Source: Carter, Armstrong, Schubert, Johnson, Olah 2019, "Activation Atlas", Distill. Differs: the layout is t-SNE, the
direction is the mean less the layer's usual one, measured by how much each channel varies, in place of full whitening,
since a few hundred pictures do not give a covariance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from reverie.canvas.stack import StackCanvas
from reverie.critic.critic import Critic
from reverie.critic.open import readable_names
from reverie.data.collection import Collection
from reverie.errors import DataError
from reverie.jobs.seed import seed_for
from reverie.jobs.spread import Spread
from reverie.media.deep import to_uint8
from reverie.numerics.color import correlation_matrix
from reverie.objective import assigned_directions
from reverie.optimize.ascend import CanvasRule, ascend_canvas
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms
from reverie.tools.embed.config import AtlasConfig
from reverie.tools.embed.features import Seen
from reverie.tools.embed.kept import Shards
from reverie.tools.embed.layout import fit_space, laid_out
from reverie.tools.embed_atlas.drawn import KeptDrawings

COMPONENTS, PERPLEXITY, LAYOUT_STEPS = 50, 30.0, 500
RULE = CanvasRule(0.008, anneal=True)  # of the stack of resolutions, as everywhere
SHIFTED = Transforms(jitter_px=8, scale=0.1, rotate_deg=8.0, noise=0.02)
GROUND = 18
OUTSIDE = 0.01  # of the places on each side that do not stretch the grid
LEAST_STD = 0.05  # of the mean deviation of a layer; see `reverie.critic.class_centers`


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell: row and column from the top left, the pictures in it, and the ``[C]`` direction that is drawn."""

    row: int
    column: int
    members: tuple[int, ...]
    direction: Tensor


class Atlas:
    """An atlas on its way.

    Args:
        config: the settings.
        collection: the pictures.
        critic: the network.
        layer: that is drawn.
        size_px: at which the network sees the pictures.
    """

    def __init__(self, config: AtlasConfig, collection: Collection, critic: Critic, layer: str, size_px: int) -> None:
        self.config, self.collection, self.critic = config, collection, critic
        self.layer, self.size_px = layer, size_px
        self.seen, self.cells = Seen(), list[Cell]()
        self.done = 0
        side = config.grid * config.tile
        self.image = np.full((side, side, 3), GROUND, np.uint8)

    @property
    def shards(self) -> Shards:
        """The batches of the collection."""
        return Shards(self.collection, self.critic, (self.layer,), "one", self.size_px, 0, self.config.batch)

    @property
    def complete(self) -> bool:
        """Whether every cell is drawn."""
        return 0 < self.done == len(self.cells)

    def look(self, scratch: Path | None = None, spread: Spread[int] | None = None) -> Iterator[int]:
        """Look at all pictures, here or elsewhere, yielding how many are done."""
        yield from self.shards.look(self.seen, scratch, spread)

    def lay_out(self) -> None:
        """Sort the activations into cells.

        Raises:
            DataError: none holds enough pictures.
        """
        rows = self.seen.rows(self.layer)
        space = fit_space(rows, "cosine", COMPONENTS)
        *_, (_, places) = laid_out(space, "tsne", perplexity=PERPLEXITY, steps=LAYOUT_STEPS, seed=self.config.seed)
        self.cells = cells_of(places, rows, self.config.grid, self.config.least)
        if not self.cells:
            raise DataError(f"no cell holds {self.config.least} pictures; take a lower --grid or --least")

    def draw(self, scratch: Path | None = None) -> Iterator[int]:
        """Draw cell after cell, some at a time, yielding how many are done; what is kept is not drawn again."""
        config, identity = self.config, self.critic.identity
        kept = KeptDrawings(scratch, (
            identity.sha256, self.critic.precision, str(self.critic.device), self.layer, config.tile,
            config.drawing_steps, config.seed,
        ))  # fmt: skip
        for first in range(0, len(self.cells), config.together):
            part = self.cells[first : first + config.together]
            place, directions = (part[0].row, part[0].column), torch.stack([cell.direction for cell in part])
            tiles = kept.read(place, directions)
            if tiles is None:
                tiles = self._drawn(place, directions)
                kept.write(place, directions, tiles)
            for cell, tile in zip(part, tiles.numpy(), strict=True):
                top, left = cell.row * config.tile, cell.column * config.tile
                self.image[top : top + config.tile, left : left + config.tile] = tile
            self.done += len(part)
            yield self.done

    def rows(self) -> list[Mapping[str, int | float | str]]:
        """Return a row for each cell: where it is, how many pictures, and the class that most of them have."""
        names, labels = readable_names(self.collection.classes), self.seen.labels
        found: list[Mapping[str, int | float | str]] = []
        for cell in self.cells:
            row: dict[str, int | float | str] = {"row": cell.row, "column": cell.column, "pictures": len(cell.members)}
            if names:
                counts = torch.bincount(labels[list(cell.members)], minlength=len(names))
                row |= {
                    "class": names[int(counts.argmax())],
                    "share": round(float(counts.max()) / len(cell.members), 3),
                }
            found.append(row | {"example": self.seen.items[cell.members[0]].path})
        return found

    def _drawn(self, place: tuple[int, int], directions: Tensor) -> Tensor:
        """Return drawings ``[N, T, T, 3]`` uint8; the seed is that of the row and column of the first cell."""
        config, critic = self.config, self.critic
        generator = Generator().manual_seed(seed_for(config.seed, f"{place[0]}/{place[1]}"))
        matrix = correlation_matrix(critic.identity.color_correlation)
        size = (config.tile, config.tile)
        canvas = StackCanvas.noise(size, generator, batch=len(directions), matrix=matrix).to(critic.device)
        goal = assigned_directions(self.layer, directions)
        for _ in ascend_canvas(canvas, Ascent(critic, goal, SHIFTED), config.drawing_steps, RULE, generator):
            pass
        images = canvas().detach().float().cpu().permute(0, 2, 3, 1).numpy()
        return torch.from_numpy(np.stack([to_uint8(image) for image in images]))


def cells_of(places: Tensor, rows: Tensor, grid: int, least: int) -> list[Cell]:
    """Return the cells of a grid over a map that hold enough pictures, in reading order.

    Args:
        places: ``[N, 2]``.
        rows: ``[N, C]`` activations.
        grid: cells a side.
        least: pictures that a cell needs.
    """
    low, high = (torch.quantile(places.double(), q, dim=0) for q in (OUTSIDE, 1 - OUTSIDE))
    middle, width = (low + high) / 2, (high - low).max().clamp_min(1e-12)
    at = (((places.double() - middle) / width + 0.5) * grid).floor().long().clamp(0, grid - 1)
    number = at[:, 1] * grid + at[:, 0]
    deviation = rows.std(0)
    usual = rows.mean(0)
    found: list[Cell] = []
    for cell in number.unique().tolist():
        members = (number == cell).nonzero().flatten()
        if len(members) < least:
            continue
        away = (rows[members].mean(0) - usual) / deviation.clamp_min(LEAST_STD * float(deviation.mean()))
        length = away.norm()
        if length > 0:
            found.append(Cell(cell // grid, cell % grid, tuple(members.tolist()), away / length))
    return found
