"""A collection looked at by others: batches as parts, each a file of what was seen in its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.data.collection import Collection
from reverie.errors import DataError
from reverie.jobs.part_files import part_folder
from reverie.jobs.spread import Spread
from reverie.tools.embed.features import Seen, decoded, keep
from reverie.weights.atomic import write_bytes


@dataclass(frozen=True)
class Shards:
    """The batches of a collection, of the same pictures as in one process, so that the numbers are the same.

    Attributes:
        collection: the pictures.
        critic: the network.
        layers: that are looked at.
        pool: see `features.pooled`.
        size_px: at which the network sees them.
        thumb_px: of thumbnails.
        batch: pictures of one part.
    """

    collection: Collection
    critic: Critic
    layers: tuple[str, ...]
    pool: str
    size_px: int
    thumb_px: int
    batch: int

    def make(self, number: int, folder: Path) -> Sequence[str]:
        """Look at one batch and write what was seen."""
        part, seen = self._items(number), Seen()
        squares = [decoded(self.collection, item, self.size_px, self.thumb_px) for item in part]
        keep(part, squares, self.critic, self.layers, self.pool, seen)
        good = [index for index, square in enumerate(squares) if square is not None]
        tensors: dict[str, Tensor] = {"good": torch.tensor(good, dtype=torch.long)}
        if good:
            tensors |= {f"layer {name}": seen.rows(name).contiguous() for name in self.layers}
            tensors["thumbs"] = torch.from_numpy(np.stack(seen.thumbs))
            if seen.logits:
                tensors["logits"] = torch.stack(seen.logits)
        write_bytes(folder / f"{number}.safetensors", save(tensors))
        return ()

    def look(self, spread: Spread, scratch: Path, seen: Seen) -> Iterator[int]:
        """Have all batches looked at, fill `seen` in their order, and yield how many pictures are done.

        Raises:
            DataError: none could be read.
        """
        total = len(self.collection.items)
        numbers, done = range(-(-total // self.batch)), 0
        with part_folder(scratch) as folder:
            for number, _ in spread.made(numbers, folder):
                done += len(self._items(number))
                yield done
            for number in numbers:
                self._read(number, folder, seen)
        if not seen.items:
            raise DataError(f"none of the {total} pictures can be read; the first is '{self.collection.items[0].path}'")

    def _items(self, number: int):
        return self.collection.items[number * self.batch : (number + 1) * self.batch]

    def _read(self, number: int, folder: Path, seen: Seen) -> None:
        tensors, part = load((folder / f"{number}.safetensors").read_bytes()), self._items(number)
        good = set(tensors["good"].tolist())
        seen.items += [item for index, item in enumerate(part) if index in good]
        seen.broken += [item.path for index, item in enumerate(part) if index not in good]
        if not good:
            return
        for name in self.layers:
            seen.features.setdefault(name, []).extend(tensors[f"layer {name}"])
        seen.thumbs += list(tensors["thumbs"].numpy())
        if "logits" in tensors:
            seen.logits.extend(tensors["logits"])
