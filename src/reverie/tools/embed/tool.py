"""`reverie embed`: a collection as a map, on a page that needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.errors import InputError
from reverie.jobs.given import Given
from reverie.jobs.job import Input
from reverie.jobs.session import Session
from reverie.jobs.spread import Spread
from reverie.jobs.steps import Steps
from reverie.jobs.tool import Role, Tool
from reverie.jobs.work import Chosen, Plan, Report
from reverie.tools.embed.config import MapConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.embed.mapping import Mapping

LOOK_WEIGHT, LAYOUT_WEIGHT = 2.0, 1.0  # a picture looked at costs about as much as two of the layout's steps


class PreparedMap:
    """The pictures and the network, ready to be looked at."""

    def __init__(self, config: MapConfig, session: Session) -> None:
        from reverie.data.collection import open_collection
        from reverie.tools.embed.mapping import check_enough, default_layer

        if not config.data:
            raise InputError("there is nothing to embed; name a folder or zip of pictures")
        self.config = config
        self.collection = open_collection(
            Path(config.data), which=config.pictures, limit=config.limit, seed=config.seed
        )
        check_enough(len(self.collection.items))
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)
        self.layer = self.critic.layer(config.layer or default_layer(self.critic)).name
        self.size_px = config.size or self.critic.identity.input_px
        if not self.critic.accepts((self.size_px, self.size_px)):
            raise InputError(self.critic.too_small((self.size_px, self.size_px), (self.layer,)))
        self.notes: Sequence[str] = self.collection.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the making of one map."""
        from reverie.tools.embed.mapping import Mapping

        config, critic = self.config, self.critic
        mapping = Mapping(config, self.collection, critic, self.layer, self.size_px)
        count = len(self.collection.items)
        channels = critic.layer(self.layer).channels
        decisions = {
            "pictures": count, "classes": len(self.collection.classes), "layer": self.layer, "size": self.size_px,
            "features": channels * (2 if config.pool == "moments" else 1), "thumb": mapping.thumb_px,
        }  # fmt: skip
        weight = LOOK_WEIGHT * count + LAYOUT_WEIGHT * config.steps
        identity = critic.identity
        chosen = Chosen(Input(identity.name, identity.sha256), str(critic.device), more={"layer": self.layer})
        notes: list[str] = []
        spread = Spread[int](lambda number, folder: mapping.shards.make(number, folder))
        return Steps(
            _reports(mapping, notes, spread, scratch), lambda: _outputs(mapping, scratch), notes=notes,
            chosen=chosen, spread=spread,
            plan=Plan(decisions, weight, f"{count} pictures by {self.layer}"),
        )  # fmt: skip


def _reports(mapping: Mapping, notes: list[str], spread: Spread[int], scratch: Path | None) -> Iterator[Report]:
    config, total = mapping.config, len(mapping.collection.items)
    before = 0
    for done in mapping.look(scratch, spread):
        yield Report(done, total, "pictures", f"looking at {total} pictures", weight=LOOK_WEIGHT * (done - before))
        before = done
    notes += mapping.broken_notes()
    before = 0
    for done in mapping.lay_out():
        stage = f"laying out the map, step {done} of {config.steps}"
        yield Report(total, total, "pictures", stage, weight=LAYOUT_WEIGHT * (done - before), preview=mapping.preview)
        before = done
    notes += mapping.found_notes()


def _outputs(mapping: Mapping, scratch: Path | None) -> list[Output]:
    from reverie.jobs.output import Folder
    from reverie.tools.embed.kept import forgetting
    from reverie.tools.embed.layout import LEAST_PICTURES

    if len(mapping.seen.items) < LEAST_PICTURES:
        return []
    return [Folder(mapping.write, written=forgetting(scratch, lambda: mapping.complete))]


def _name(config: MapConfig) -> str:
    return Path(config.data).stem


MAP: Tool[MapConfig] = Tool(
    name="embed map", doing="mapping", ending="map",
    summary="Lay out a collection of pictures as a map, by what a network sees in them.",
    config=MapConfig, prepare=PreparedMap,
    roles=(Role("data", "folder", "A folder or zip of pictures, best with a folder per class."),),
    makes="folder", suffix="", name_of=_name, spreads=True,
    examples=(
        "reverie embed holiday/", "reverie embed paintings.zip --model artists.safetensors -o artists-map",
        "reverie embed paintings.zip --layer mixed4a --pool moments",
    ),
)  # fmt: skip
