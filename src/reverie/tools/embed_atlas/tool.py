"""`reverie embed atlas`: what a layer sees in a collection, sorted by likeness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import DataError, InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.spread import Spread
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.embed.config import AtlasConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.embed_atlas.activation_atlas import Atlas

LEAST_PICTURES = 20


class PreparedAtlas:
    """The pictures, the network and the layer."""

    def __init__(self, config: AtlasConfig, session: Session) -> None:
        from reverie.data.collection import open_collection

        if not config.data:
            raise InputError("there is nothing to look at; name a folder or zip of pictures")
        self.config = config
        self.collection = open_collection(
            Path(config.data), which=config.pictures, limit=config.limit, seed=config.seed
        )
        if len(self.collection.items) < LEAST_PICTURES:
            raise DataError(
                f"{len(self.collection.items)} pictures are too few for an atlas; it takes {LEAST_PICTURES}"
            )
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)
        found = self.critic.layer(config.layer or self.critic.identity.default_layers[0])
        self.layer = found.name
        self.size_px = config.size or self.critic.identity.input_px
        side = min(self.size_px, config.tile)
        if not self.critic.accepts((side, side)):
            raise InputError(self.critic.too_small((side, side), (self.layer,)))
        self.notes: Sequence[str] = self.collection.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the drawing of the atlas."""
        from reverie.jobs.output import Picture, Table
        from reverie.tools.embed.kept import forgetting
        from reverie.tools.embed_atlas.activation_atlas import Atlas

        atlas = Atlas(self.config, self.collection, self.critic, self.layer, self.size_px)
        count, identity = len(self.collection.items), self.critic.identity

        def outputs() -> list[Output]:
            over = forgetting(scratch, lambda: atlas.complete)
            return [Picture(atlas.image), Table(atlas.rows(), label="cells", written=over)] if atlas.done else []

        spread = Spread[int](lambda number, folder: atlas.shards.make(number, folder))

        chosen = Chosen(Input(identity.name, identity.sha256), str(self.critic.device), more={"layer": self.layer})
        plan = Plan({"pictures": count, "layer": self.layer}, None, f"{count} pictures by {self.layer}")
        return Steps(_reports(atlas, scratch, spread), outputs, plan=plan, chosen=chosen, spread=spread)


def _reports(atlas: Atlas, scratch: Path | None, spread: Spread[int]) -> Iterator[Report]:
    total = len(atlas.collection.items)
    for done in atlas.look(scratch, spread):
        yield Report(done, total, "pictures", f"looking at {total} pictures")
    atlas.lay_out()
    for done in atlas.draw(scratch):
        yield Report(done, len(atlas.cells), "cells", "drawing", preview=lambda: atlas.image)


ATLAS: Tool[AtlasConfig] = Tool(
    name="embed atlas", doing="drawing", ending="atlas",
    summary="Draw what a layer sees in a collection, sorted by likeness: an activation atlas.",
    config=AtlasConfig, prepare=PreparedAtlas,
    roles=(Role("data", "folder", "A folder or zip of pictures."),),
    name_of=lambda config: Path(config.data).stem, spreads=True,
    examples=("reverie embed atlas holiday/ --layer mixed4a --grid 16",),
)  # fmt: skip
