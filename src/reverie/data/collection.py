"""A collection of pictures: all of a folder or zip, with the class of each where there are class folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch

from reverie.data.examples import listed
from reverie.data.first_frames import first_frames_note
from reverie.data.folder import Archive, Item, open_folder
from reverie.errors import DataError

UNLABELLED = -1


@dataclass(frozen=True)
class Collection:
    """Pictures by name.

    Attributes:
        archive: opens them.
        items: name and class number of each; `UNLABELLED` where there are no classes.
        classes: names of the classes.
        notes: what was left out.
    """

    archive: Archive
    items: tuple[Item, ...]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def open_collection(path: Path, *, which: str = "all", limit: int | None = None, seed: int = 0) -> Collection:
    """Return the pictures of class folders, training and validation together, or of a folder without classes.

    Args:
        path: a folder, a zip, or one picture.
        which: "all", or "held-out": those of the validation folder, or that a training with default settings holds out.
        limit: at most so many, drawn by the seed.
        seed: of the draw.

    Raises:
        DataError: no pictures, or none that are held out.
    """
    try:
        folder = open_folder(path)
        archive, classes = folder.archive, folder.classes
        items = folder.val if which == "held-out" else folder.train + folder.val
    except DataError:
        archive, names = listed(path)
        shown = [name for name in names if not any(p.startswith((".", "__MACOSX")) for p in PurePosixPath(name).parts)]
        classes, items = (), tuple(Item(name, UNLABELLED) for name in shown)
    if which == "held-out" and not (classes and items):
        raise DataError(f"nothing of '{path}' is held out; that takes class folders")
    items = tuple(sorted(items, key=lambda item: item.path))
    left = () if which == "held-out" or archive.root != path else _left_out(archive, items)
    if limit is None or limit >= len(items):
        return Collection(archive, items, classes, (*left, *first_frames_note(archive, [item.path for item in items])))
    order = torch.randperm(len(items), generator=torch.Generator().manual_seed(seed))[:limit].sort().values
    note = f"{limit} of {len(items)} pictures, drawn by the seed"
    drawn = tuple(items[i] for i in order.tolist())
    moving = first_frames_note(archive, [item.path for item in drawn])
    return Collection(archive, drawn, classes, (*left, note, *moving))


def _left_out(archive: Archive, items: Sequence[Item]) -> tuple[str, ...]:
    """Return a line about the files that are no pictures of the collection, if there are any that people can see."""
    taken = {item.path for item in items}
    names = [name for name in archive.names() if name not in taken]
    seen = [name for name in names if not any(p.startswith((".", "__MACOSX")) for p in PurePosixPath(name).parts)]
    if not seen:
        return ()
    few = ", ".join(seen[:3]) + (" ..." if len(seen) > 3 else "")
    return (f"left out {len(seen)} files that are no pictures, or lie outside of the class folders: {few}",)
