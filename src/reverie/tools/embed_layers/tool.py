"""`reverie embed layers`: how well each layer of a network separates the classes of a collection."""

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
from reverie.tools.embed.config import LayersConfig

if TYPE_CHECKING:
    from reverie.jobs.output import Output
    from reverie.tools.embed_layers.separability import Comparison

LAYER_WEIGHT = 100.0  # measuring a layer costs about as much as looking at so many pictures


class PreparedLayers:
    """The pictures, the network and the layers to compare."""

    def __init__(self, config: LayersConfig, session: Session) -> None:
        from reverie.critic.critic import LOGITS
        from reverie.data.collection import open_collection

        if not config.data:
            raise InputError("there is nothing to compare on; name a folder or zip with a folder per class")
        self.config = config
        self.collection = open_collection(
            Path(config.data), which=config.pictures, limit=config.limit, seed=config.seed
        )
        if len(self.collection.classes) < 2:
            raise DataError(f"'{config.data}' has no two class folders, so there is nothing to separate")
        self.critic = session.critic(config.model, config.weights, config.device, config.precision)
        named = [self.critic.layer(name) for name in config.layer] or [
            layer for layer in self.critic.named_layers if layer.name != LOGITS
        ]
        self.layers = [layer.name for layer in sorted(named, key=lambda layer: layer.order)]
        self.size_px = config.size or self.critic.identity.input_px
        if not self.critic.accepts((self.size_px, self.size_px)):
            raise InputError(self.critic.too_small((self.size_px, self.size_px), self.layers))
        self.notes: Sequence[str] = self.collection.notes

    def work(self, given: Given | None, seed: int, *, scratch: Path | None = None) -> Steps:
        """Return the comparison."""
        from reverie.jobs.output import Network, Picture, Table
        from reverie.tools.embed.kept import forgetting
        from reverie.tools.embed_layers.separability import Comparison, draw_comparison

        comparison = Comparison(self.config, self.collection, self.critic, self.layers, self.size_px)
        count, identity = len(self.collection.items), self.critic.identity
        notes: list[str] = []

        def outputs() -> list[Output]:
            if not comparison.measured:
                return []
            over = forgetting(scratch, lambda: comparison.complete)
            results: list[Output] = [Picture(draw_comparison(comparison))]
            if self.config.pool == "mean":
                results.append(Network(*comparison.centers(), "centers"))
            return [*results, Table(comparison.rows(), label="table", written=over)]

        decisions = {"pictures": count, "layers": list(self.layers), "size": self.size_px}
        spread = Spread[int](lambda number, folder: comparison.shards.make(number, folder))
        return Steps(
            _reports(comparison, notes, scratch, spread), outputs, notes=notes, spread=spread,
            chosen=Chosen(Input(identity.name, identity.sha256), str(self.critic.device)),
            plan=Plan(decisions, count + LAYER_WEIGHT * len(self.layers), f"{len(self.layers)} layers"),
        )  # fmt: skip


def _reports(comparison: Comparison, notes: list[str], scratch: Path | None, spread: Spread[int]) -> Iterator[Report]:
    total, before = len(comparison.collection.items), 0
    for done in comparison.look(scratch, spread):
        yield Report(done, total, "pictures", f"looking at {total} pictures", weight=done - before)
        before = done
    if comparison.seen.broken:
        notes.append(f"left out {len(comparison.seen.broken)} unreadable pictures")
    for measured in comparison.measure():
        scores = {"nearest": measured.nearest, "probe": measured.probe}
        yield Report(total, total, "pictures", f"measuring {measured.layer}", scores, LAYER_WEIGHT)
    notes.append(comparison.summary())


LAYERS: Tool[LayersConfig] = Tool(
    name="embed layers", doing="comparing", ending="layers",
    summary="Compare how well the layers of a network separate classes.",
    config=LayersConfig, prepare=PreparedLayers,
    roles=(Role("data", "folder", "A folder or zip with a folder of pictures per class."),),
    name_of=lambda config: Path(config.data).stem, spreads=True,
    examples=("reverie embed layers paintings.zip --model artists.safetensors",),
)  # fmt: skip
