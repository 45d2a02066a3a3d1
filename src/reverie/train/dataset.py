"""The pictures of a training run: both splits read and packed, classes, and the statistics of their colors."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reverie.data.folder import PictureFolder, open_folder
from reverie.data.pack import Pictures, color_statistics, loading_pictures
from reverie.errors import DataError, InputError
from reverie.train.classifier_config import ClassifierConfig
from reverie.train.interrupt import deferred_interrupt
from reverie.train.normalization import Normalization, Triple
from reverie.train.processes import Processes
from reverie.train.step import TrainStep

TELL_EVERY = 100  # pictures read between two records of progress
SMALLEST_STD = 1e-3  # of a channel: monochrome data must not divide by zero


@dataclass(frozen=True)
class TrainingData:
    """What a trainer needs to know of its data; `val` is None when nothing is held out.

    `broken` names the pictures that cannot be read, each once.
    """

    folder: PictureFolder
    train: Pictures
    val: Pictures | None
    broken: tuple[str, ...]
    normalization: Normalization
    color_correlation: tuple[Triple, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.folder.classes


def find_pictures(data: Path, config: ClassifierConfig) -> PictureFolder:
    """Return the pictures and classes of `data`, split but not read yet.

    Raises:
        DataError: no pictures, or fewer than two classes.
        InputError: `patience` without held-out pictures.
    """
    val_data = Path(config.val) if config.val else None
    folder = open_folder(data, val=val_data, val_share=config.val_share, seed=config.seed)
    if len(folder.classes) < 2:
        raise DataError(f"'{data}' holds one class only ({', '.join(folder.classes)}); a classifier needs two or more")
    if config.patience > 0 and not folder.val:
        raise InputError("--patience needs held-out pictures; raise --val-share or add a val/ folder")
    return folder


def loading_data(
    folder: PictureFolder, cache: Path, config: ClassifierConfig, processes: Processes
) -> Generator[TrainStep, None, TrainingData]:
    """Read the pictures into packs in the folder `cache`, yielding progress.

    Raises:
        DataError: nothing that can be read.
    """
    train, broken = yield from _load(folder, "train", cache, config, processes)
    val: Pictures | None = None
    broken_val: tuple[str, ...] = ()
    if folder.val:
        val, broken_val = yield from _load(folder, "val", cache, config, processes)
        if folder.val_archive.root.resolve() != folder.archive.root.resolve():
            broken_val = tuple(f"{folder.val_archive.root.name}/{name}" for name in broken_val)
    mean, std, correlation = color_statistics(train)
    normalization = Normalization(_triple(mean), _triple([max(s, SMALLEST_STD) for s in std]))
    broken = tuple(sorted({*broken, *broken_val}))
    return TrainingData(folder, train, val, broken, normalization, tuple(_triple(row) for row in correlation))


def _load(
    folder: PictureFolder, split: str, cache: Path, config: ClassifierConfig, processes: Processes
) -> Generator[TrainStep, None, tuple[Pictures, tuple[str, ...]]]:
    items = folder.train if split == "train" else folder.val
    size_px = config.input_px if split == "val" else stored_px(config.input_px)
    with processes.local_main_first():
        archive = folder.archive if split == "train" else folder.val_archive
        with closing(loading_pictures(archive, items, size_px, cache / f"pack-{split}.u8")) as steps:
            while True:
                try:
                    with deferred_interrupt():  # not amid the locks of the decoding threads
                        done = next(steps)
                except StopIteration as end:
                    return end.value
                if done % TELL_EVERY == 0:
                    yield TrainStep("load", progress=done / len(items))


def stored_px(input_px: int) -> int:
    """Keep a quarter more than is shown, so that crops are not enlarged; small sets keep their own size."""
    return input_px if input_px <= 64 else round(input_px * 1.25 / 8) * 8


def _triple(values: list[float]) -> Triple:
    return (values[0], values[1], values[2])
