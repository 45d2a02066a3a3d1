"""One map on its way: looked at, laid out, measured, written."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Rows
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.critic.critic import Critic
from reverie.critic.open import readable_names
from reverie.data.collection import Collection
from reverie.errors import DataError
from reverie.jobs.spread import Spread
from reverie.numerics.neighbors import nearest_neighbors
from reverie.tools.embed.config import MapConfig
from reverie.tools.embed.features import Seen
from reverie.tools.embed.fit import FILE, Fit, far_distance, save_fit
from reverie.tools.embed.kept import Shards
from reverie.tools.embed.layout import LEAST_PICTURES, Space, fit_space, flat_start, laid_out
from reverie.tools.embed_page.figure import draw_map
from reverie.tools.embed_page.findings import (
    NEIGHBORS,
    Duplicate,
    Suspect,
    agreement,
    duplicates_of,
    groups_of,
    mislabelled_of,
    outlier_factors,
    outliers_of,
)
from reverie.tools.embed_page.page import Shown, write_page
from reverie.tools.embed_page.projector import write_projector
from reverie.tools.embed_page.sprites import shrunk

FEW = 4000  # pictures that get larger thumbnails
LARGE_PX, SMALL_PX = 128, 64
FIGURE = "map.png"


def default_layer(critic: Critic) -> str:
    """Return the last layer before the classes, where features are most about what is shown."""
    return critic.identity.pooled or critic.identity.default_layers[-1]


def check_enough(count: int) -> None:
    """Refuse a collection that is too small.

    Raises:
        DataError: says how many pictures it takes.
    """
    if count < LEAST_PICTURES:
        raise DataError(f"{count} pictures are too few for a map; it takes {LEAST_PICTURES}")


class Mapping:
    """A map on its way; whatever there is can be written after any step.

    Args:
        config: the settings.
        collection: the pictures.
        critic: the network.
        layer: that is looked at.
        size_px: at which the network sees them.
    """

    def __init__(self, config: MapConfig, collection: Collection, critic: Critic, layer: str, size_px: int) -> None:
        self.config, self.collection, self.critic = config, collection, critic
        self.layer, self.size_px = layer, size_px
        self.thumb_px = config.thumb or (LARGE_PX if len(collection.items) <= FEW else SMALL_PX)
        self.seen = Seen()
        self.places: Tensor | None = None
        self.complete = False

    # -- made ---------------------------------------------------------------------------------------------------------

    @property
    def shards(self) -> Shards:
        """The batches of the collection."""
        return Shards(
            self.collection, self.critic, (self.layer,), self.config.pool, self.size_px, self.thumb_px,
            self.config.batch,
        )  # fmt: skip

    def look(self, scratch: Path | None = None, spread: Spread[int] | None = None) -> Iterator[int]:
        """Look at all pictures, here or elsewhere, yielding how many are done."""
        yield from self.shards.look(self.seen, scratch, spread)

    def lay_out(self) -> Iterator[int]:
        """Lay out what was looked at, yielding the steps that are done."""
        config = self.config
        check_enough(len(self.seen.items))
        steps = laid_out(self.space, config.method, perplexity=config.perplexity, steps=config.steps, seed=config.seed)
        for done, places in steps:
            self.places = places
            yield done
        self.complete = True

    def preview(self) -> np.ndarray | None:
        """Return the map as it stands."""
        return None if self.places is None else self._figure()

    # -- measured -----------------------------------------------------------------------------------------------------

    @cached_property
    def space(self) -> Space:
        """The coordinates of all pictures."""
        return fit_space(self.seen.rows(self.layer), self.config.metric, self.config.components)

    @cached_property
    def labels(self) -> Tensor:
        """Class numbers ``[N]``."""
        return self.seen.labels

    @property
    def names(self) -> list[str]:
        """Names of the pictures that could be read."""
        return [item.path for item in self.seen.items]

    @property
    def classes(self) -> tuple[str, ...]:
        """Readable names of the classes."""
        return readable_names(self.collection.classes)

    @cached_property
    def near(self) -> tuple[Tensor, Tensor]:
        """Indices and distances of the nearest neighbors in the space."""
        return nearest_neighbors(self.space.points, min(max(NEIGHBORS, self.config.neighbors), len(self.names) - 1))

    @cached_property
    def duplicates(self) -> list[Duplicate]:
        """Pairs that show the same."""
        rows = F.normalize(self.seen.rows(self.layer), dim=1)
        return duplicates_of(*self.near, shrunk(self.seen.thumbs, 16), rows)

    @cached_property
    def factors(self) -> Tensor:
        """How lonely each picture is."""
        return outlier_factors(*(part[:, :NEIGHBORS] for part in self.near))

    @cached_property
    def suspects(self) -> list[Suspect]:
        """Pictures whose label looks wrong."""
        near = self.near[0][:, :NEIGHBORS]
        return mislabelled_of(self.space.points, self.labels, near, len(self.classes), self.config.seed)

    @cached_property
    def predictions(self) -> tuple[Sequence[str], Tensor, Tensor] | None:
        """Names of the network's classes, the class of each picture, and its probability."""
        if not self.seen.logits:
            return None
        value, index = torch.stack(self.seen.logits).softmax(1).max(1)
        return self.critic.identity.classes, index, value

    # -- said ---------------------------------------------------------------------------------------------------------

    def broken_notes(self) -> list[str]:
        """Return what could not be read, in one line."""
        broken = self.seen.broken
        if not broken:
            return []
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        return [f"left out {len(broken)} unreadable pictures: {', '.join(broken[:3])}{more}"]

    def found_notes(self) -> list[str]:
        """Return what was found, in one line each."""
        duplicates, outliers, wrong = len(self.duplicates), len(outliers_of(self.factors)), len(self.suspects)
        notes = [f"found {duplicates} duplicates, {outliers} outliers, {wrong} labels that look wrong"]
        if self.classes and bool((self.labels >= 0).all()):
            own = self.labels.bincount()[self.labels].median()  # pictures in the class of a usual picture
            voters = min(NEIGHBORS, max(1, int(own) - 1))  # with more, other classes outvote it whatever they show
            share = agreement(self.labels, self.near[0][:, :voters])
            notes.append(f"{share:.1%} of the pictures lie among their own class ({voters} nearest)")
        return notes

    # -- written ------------------------------------------------------------------------------------------------------

    def write(self, folder: Path) -> None:
        """Write page, figure, tables and fit into a folder."""
        if self.places is None:  # stopped before the layout began
            self.places = flat_start(self.space.points)
        from reverie.media.write import write_picture

        write_page(folder, self._shown())
        write_picture(folder / FIGURE, self._figure())
        for name, rows in self._tables().items():
            _write_rows(folder / f"{name}.csv", rows)
        save_fit(folder / FILE, self._fit(), self.critic)
        if self.config.projector:
            columns = {"name": self.names} | ({"class": self._class_names()} if self.classes else {})
            write_projector(folder / "projector", self.space.points, columns, self.seen.thumbs)

    def _title(self) -> str:
        return f"{PurePosixPath(self.collection.archive.root.name).stem}: {len(self.names)} pictures"

    def _made(self) -> str:
        from reverie.version import __version__

        c = self.config
        return (
            f"Reverie {__version__}: {self.critic.identity.name}, layer {self.layer}, {c.pool} over positions, "
            f"{c.metric}, {self.space.points.shape[1]} components, {c.method}"
        )

    def _figure(self) -> np.ndarray:
        assert self.places is not None
        return draw_map(self.places, self.seen.thumbs, self.labels, self.classes, self._title())

    def _shown(self) -> Shown:
        assert self.places is not None
        return Shown(
            self._title(), self._made(), self.names, self.places, self.classes, self.labels, self.predictions,
            groups_of(self.places), self.factors, self.near[0][:, : self.config.neighbors], self.duplicates,
            outliers_of(self.factors), self.suspects, self.seen.thumbs,
        )  # fmt: skip

    def _fit(self) -> Fit:
        assert self.places is not None
        c, identity = self.config, self.critic.identity
        return Fit(
            self.space, self.places, self.labels, tuple(self.names), self.classes, self.layer, c.pool, self.size_px,
            c.method, c.perplexity, identity.name, identity.sha256, c.weights, self.thumb_px,
            far_distance(self.near[1][:, 0]),
        )  # fmt: skip

    def _class_names(self) -> list[str]:
        return [self.classes[label] if label >= 0 else "" for label in self.labels.tolist()]

    def _tables(self) -> dict[str, list[Rows[str, object]]]:
        """Return the rows of all tables by name."""
        assert self.places is not None
        names, classes, groups = self.names, self._class_names(), groups_of(self.places)
        all_rows: list[Rows[str, object]] = []
        for i, (x, y) in enumerate(self.places.tolist()):
            row: dict[str, object] = {"picture": names[i], "class": classes[i], "group": int(groups[i]) + 1}
            if self.predictions is not None:
                known, index, probability = self.predictions
                row |= {"prediction": known[int(index[i])], "probability": round(float(probability[i]), 4)}
            all_rows.append(row | {"outlier": round(float(self.factors[i]), 3), "x": round(x, 4), "y": round(y, 4)})
        return {
            "pictures": all_rows,
            "duplicates": [
                {"picture": names[p.first], "other": names[p.second], "kind": p.kind, "difference": p.difference}
                for p in self.duplicates
            ],
            "outliers": [
                {"picture": names[i], "class": classes[i], "factor": round(float(self.factors[i]), 3)}
                for i in outliers_of(self.factors)
            ],
            "mislabelled": [
                {"picture": names[s.index], "class": classes[s.index], "looks like": self.classes[s.suggested],
                 "confidence": s.confidence}
                for s in self.suspects
            ],
        }  # fmt: skip


HEADS = {
    "duplicates": ("picture", "other", "kind", "difference"), "outliers": ("picture", "class", "factor"),
    "mislabelled": ("picture", "class", "looks like", "confidence"),
}  # fmt: skip


def _write_rows(path: Path, rows: Sequence[Rows[str, object]]) -> None:
    """Write a table; one without rows still has its heading."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else HEADS[path.stem], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
