"""A collection looked at by others: batches as parts, each a file of what was seen in its pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.critic.critic import Critic
from reverie.data.collection import Collection
from reverie.errors import DataError
from reverie.jobs.part_files import part_folder
from reverie.jobs.spread import Spread
from reverie.tools.embed.features import Seen, decoded, keep
from reverie.tools.embed.kept import KeptBatches


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
        kept, seen = self._kept(folder), Seen()
        part = kept.part(number)
        squares = [decoded(self.collection, item, self.size_px, self.thumb_px) for item in part]
        keep(part, squares, self.critic, self.layers, self.pool, seen)
        kept.write(number, seen)
        return ()

    def look(self, spread: Spread, scratch: Path, seen: Seen) -> Iterator[int]:
        """Have all batches looked at, fill `seen` in their order, and yield how many pictures are done.

        Raises:
            DataError: none could be read.
        """
        total = len(self.collection.items)
        numbers, done = range(-(-total // self.batch)), 0
        with part_folder(scratch) as folder:
            kept = self._kept(folder)
            for number, _ in spread.made(numbers, folder):
                done += len(kept.part(number))
                yield done
            for number in numbers:
                found = kept.read(number)
                if found is None:
                    raise DataError(f"batch {number} that another machine looked at is not in '{folder}', or damaged")
                seen.add(found)
        if not seen.items:
            raise DataError(f"none of the {total} pictures can be read; the first is '{self.collection.items[0].path}'")

    def _kept(self, folder: Path) -> KeptBatches:
        return KeptBatches(folder, self.collection.items, self.layers, self.batch)
