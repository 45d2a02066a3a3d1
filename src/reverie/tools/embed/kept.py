"""Batches of a collection, each a file: after a kill nothing is looked at twice, and other machines can look."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.data.collection import Collection
from reverie.data.folder import Item
from reverie.jobs.spread import Spread
from reverie.tools.embed.features import Seen, decoded, keep, look
from reverie.weights.atomic import write_bytes


@dataclass(frozen=True)
class KeptBatches:
    """Files of batches in a folder.

    Attributes:
        folder: that holds them; it is there.
        items: all pictures of the collection.
        layers: that were looked at.
        batch: pictures of each.
    """

    folder: Path
    items: Sequence[Item]
    layers: Sequence[str]
    batch: int

    def part(self, number: int) -> Sequence[Item]:
        """Return the pictures of a batch."""
        return self.items[number * self.batch : (number + 1) * self.batch]

    def write(self, number: int, seen: Seen) -> None:
        """Keep what was seen in one batch, whole or not at all."""
        read = set(seen.items)
        good = [index for index, item in enumerate(self.part(number)) if item in read]
        tensors: dict[str, Tensor] = {"good": torch.tensor(good, dtype=torch.long)}
        if good:
            tensors |= {f"layer {name}": seen.rows(name).contiguous() for name in self.layers}
            tensors["thumbs"] = torch.from_numpy(np.stack(seen.thumbs))
            if seen.logits:
                tensors["logits"] = torch.stack(seen.logits)
        write_bytes(self._file(number), save(tensors))

    def read(self, number: int) -> Seen | None:
        """Return what was seen in one batch; None where no whole file says so."""
        try:
            tensors, part = load(self._file(number).read_bytes()), self.part(number)
            good = set(tensors["good"].tolist())
            seen = Seen([item for index, item in enumerate(part) if index in good])
            seen.broken += [item.path for index, item in enumerate(part) if index not in good]
            if good:
                seen.features |= {name: list(tensors[f"layer {name}"]) for name in self.layers}
                seen.thumbs += list(tensors["thumbs"].numpy())
                seen.logits += list(tensors.get("logits", ()))
        except (OSError, SafetensorError, KeyError):
            return None
        return seen

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.safetensors"


def kept_beside(
    scratch: Path, collection: Collection, critic: Critic, layers: Sequence[str], batch: int, **how: str | int
) -> KeptBatches:
    """Return the batches beside a result, of these very pictures, network and settings; others there are removed.

    Args:
        scratch: the work's own place.
        collection: the pictures; a file that was replaced since has another stamp.
        critic: the network.
        layers: that are looked at.
        batch: pictures of each.
        how: what else changes what is seen.
    """
    about = [
        critic.identity.sha256, critic.precision, str(critic.device), list(layers), batch, how,
        [(item.path, item.label, collection.archive.stamp(item.path)) for item in collection.items],
    ]  # fmt: skip
    folder = scratch / hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]
    for other in scratch.iterdir() if scratch.is_dir() else ():
        if other != folder and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return KeptBatches(folder, collection.items, layers, batch)


@dataclass(frozen=True)
class Shards:
    """The batches of a collection, of the same pictures wherever they are looked at, so that the numbers are the same.

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
        kept, seen = KeptBatches(folder, self.collection.items, self.layers, self.batch), Seen()
        part = kept.part(number)
        squares = [decoded(self.collection, item, self.size_px, self.thumb_px) for item in part]
        keep(part, squares, self.critic, self.layers, self.pool, seen)
        kept.write(number, seen)
        return ()

    def look(self, seen: Seen, scratch: Path | None = None, spread: Spread[int] | None = None) -> Iterator[int]:
        """Fill `seen` in the order of the batches, here or elsewhere, yielding how many pictures are done.

        Args:
            seen: what is filled.
            scratch: the work's own place, in which batches are kept; what is there is not looked at again.
            spread: of the work.

        Raises:
            DataError: none could be read.
        """
        how = {"pool": self.pool, "size_px": self.size_px, "thumb_px": self.thumb_px}
        kept = None if scratch is None else kept_beside(
            scratch, self.collection, self.critic, self.layers, self.batch, **how
        )  # fmt: skip
        shown = 0
        if kept is not None and spread is not None and spread.elsewhere:
            for shown in self._made(spread, kept):
                yield shown
        for done in look(self.collection, self.critic, self.layers, batch=self.batch, seen=seen, kept=kept, **how):
            if done > shown:
                yield done

    def _made(self, spread: Spread[int], kept: KeptBatches) -> Iterator[int]:
        """Have the batches that are not kept yet made elsewhere, yielding how many pictures are done."""
        numbers = range(-(-len(kept.items) // self.batch))
        missing = [number for number in numbers if kept.read(number) is None]
        done = len(kept.items) - sum(len(kept.part(number)) for number in missing)
        for number, _ in spread.made(missing, kept.folder):
            done += len(kept.part(number))
            yield done


def forgetting(scratch: Path | None, complete: Callable[[], bool]) -> Callable[[], None]:
    """Return what removes a work's own files once its result is written; one that was stopped goes on from them."""

    def written() -> None:
        if complete() and scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)

    return written
