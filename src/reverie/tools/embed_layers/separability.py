"""How well classes can be separated in every layer: by nearest neighbors and by a plane between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from reverie.critic.class_centers import ClassCenters, centers_description, centers_state, measured_centers
from reverie.critic.critic import Critic
from reverie.critic.open import readable_names
from reverie.data.collection import Collection
from reverie.errors import DataError
from reverie.jobs.spread import Spread
from reverie.numerics.linear_probe import held_out_probabilities
from reverie.numerics.neighbors import nearest_neighbors
from reverie.tools.embed.config import LayersConfig
from reverie.tools.embed.features import Seen
from reverie.tools.embed.kept import Shards
from reverie.weights.checkpoint import Description

LEAST_A_CLASS = 2


@dataclass(frozen=True)
class Separability:
    """How often the class of a picture is told right, in [0, 1].

    Attributes:
        layer: its name.
        channels: how many features.
        nearest: by the vote of the nearest other pictures, by angle.
        probe: by a linear probe that did not learn from the picture.
        by_class: the probe's accuracy for each class.
    """

    layer: str
    channels: int
    nearest: float
    probe: float
    by_class: tuple[float, ...]


class Comparison:
    """The layers of a network, compared on one collection."""

    def __init__(
        self, config: LayersConfig, collection: Collection, critic: Critic, layers: Sequence[str], size_px: int
    ) -> None:
        self.config, self.collection, self.critic = config, collection, critic
        self.layers, self.size_px = tuple(layers), size_px
        self.classes = readable_names(collection.classes)
        self.seen, self.measured = Seen(), list[Separability]()

    @property
    def shards(self) -> Shards:
        """The batches of the collection."""
        return Shards(
            self.collection, self.critic, self.layers, self.config.pool, self.size_px, 0, self.config.batch
        )  # fmt: skip

    def look(self, scratch: Path | None = None, spread: Spread[int] | None = None) -> Iterator[int]:
        """Look at all pictures, here or elsewhere, yielding how many are done."""
        yield from self.shards.look(self.seen, scratch, spread)

    def measure(self) -> Iterator[Separability]:
        """Measure layer by layer."""
        labels = self.seen.labels
        counts = torch.bincount(labels, minlength=len(self.classes))
        few = [name for name, count in zip(self.classes, counts.tolist(), strict=True) if count < LEAST_A_CLASS]
        if few:
            raise DataError(f"class '{few[0]}' has fewer than {LEAST_A_CLASS} pictures that can be read")
        for name in self.layers:
            found = separability(
                self.seen.rows(name), labels, len(self.classes), self.config.neighbors, self.config.seed
            )
            self.measured.append(Separability(name, self.seen.features[name][0].numel(), *found))
            yield self.measured[-1]

    @property
    def complete(self) -> bool:
        """Whether every layer is measured."""
        return len(self.measured) == len(self.layers)

    @property
    def chance(self) -> float:
        """How often the largest class is right."""
        counts = torch.bincount(self.seen.labels)
        return float(counts.max() / counts.sum())

    def rows(self) -> list[Mapping[str, float | str]]:
        """Return the table."""
        return [
            {"layer": m.layer, "features": m.channels, "nearest": round(m.nearest, 4), "probe": round(m.probe, 4)}
            | {f"probe {name}": round(value, 4) for name, value in zip(self.classes, m.by_class, strict=True)}
            for m in self.measured
        ]

    def centers(self) -> tuple[dict[str, Tensor], Description]:
        """Return the centers of the classes in every layer, as a file holds them."""
        identity = self.critic.identity
        rows = {name: self.seen.rows(name) for name in self.layers}
        found: ClassCenters = measured_centers(rows, self.seen.labels, self.classes, identity.name, identity.sha256)
        return centers_state(found), centers_description(found, self.size_px)

    def summary(self) -> str:
        """Return the best layer in one line."""
        best = max(self.measured, key=lambda m: m.probe)
        return (
            f"classes are separated best in {best.layer}: probe {best.probe:.1%}, nearest {best.nearest:.1%}, "
            f"chance {self.chance:.1%}"
        )


def separability(
    rows: Tensor, labels: Tensor, classes: int, neighbors: int, seed: int
) -> tuple[float, float, tuple[float, ...]]:
    """Return the accuracies of nearest neighbors and of a linear probe, and the latter's for each class.

    Args:
        rows: ``[N, C]``.
        labels: ``[N]``.
        classes: how many there are.
        neighbors: that vote; the nearer wins a tie.
        seed: of the folds.
    """
    near, distances = nearest_neighbors(F.normalize(rows, dim=1), min(neighbors, len(rows) - 1))
    weights = 1 + 1e-3 * (distances.amax(1, keepdim=True) - distances)
    votes = torch.zeros(len(rows), classes).scatter_add_(1, labels[near], weights)
    nearest = float((votes.argmax(1) == labels).float().mean())
    said = held_out_probabilities(rows, labels, classes, Generator().manual_seed(seed)).argmax(1)
    right = (said == labels).float()
    each = torch.zeros(classes).index_add_(0, labels, right) / torch.bincount(labels, minlength=classes).clamp_min(1)
    return nearest, float(right.mean()), tuple(each.tolist())


def draw_comparison(comparison: Comparison) -> np.ndarray:
    """Return the plot ``[H, W, 3]`` uint8: accuracy over layers from the picture to the classes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(7.0, 1.8 + 0.62 * len(comparison.measured)), 5.2), dpi=120, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    measured = comparison.measured
    places = range(len(measured))
    if len(comparison.classes) <= 10:
        for number, name in enumerate(comparison.classes):
            values = [m.by_class[number] for m in measured]
            axes.plot(places, values, lw=1, alpha=0.55, label=f"probe, {name.replace('$', '')}")
    axes.plot(places, [m.probe for m in measured], "o-", color="#1f4e8c", lw=2.5, label="linear probe")
    axes.plot(places, [m.nearest for m in measured], "s-", color="#c0562b", lw=2.5, label="nearest neighbors")
    axes.axhline(comparison.chance if measured else 0, ls="--", color="grey", lw=1, label="largest class")
    axes.set_xticks(list(places), [m.layer for m in measured], rotation=45, ha="right")
    title = f"{comparison.critic.identity.name}: {len(comparison.seen.items)} pictures"
    axes.set(ylim=(0, 1.02), ylabel="told right (held out from the probe)", title=title)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
