"""CIFAR-100: 60,000 pictures of 32 px in 100 classes, from the binary version, which needs no unpickling.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009; https://www.cs.toronto.edu/~kriz/
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reverie.data.public.archive import RemoteFile
from reverie.errors import DataError

FILES = (
    RemoteFile(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733
    ),
)
CITATION = "CIFAR-100: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html; its publisher states no licence"
SIDE = 32
RECORD = 2 + 3 * SIDE * SIDE  # coarse label, fine label, then red, green and blue planes
SPLITS = {"train": "train.bin", "val": "test.bin"}
MOST_BYTES = 50_000 * RECORD


def pictures(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield place and pixels ``[32, 32, 3]`` uint8 of every picture, such as "train/apple/00017.png".

    Raises:
        DataError: the archive is not what it should be.
    """
    with tarfile.open(folder / FILES[0].name) as archive:
        names = _read(archive, "fine_label_names.txt").decode("ascii").split()
        for split, file in SPLITS.items():
            yield from _split(_read(archive, file), names, split)


def _split(blob: bytes, names: list[str], split: str) -> Iterator[tuple[str, np.ndarray]]:
    if len(blob) % RECORD or not blob:
        raise DataError(f"the {split} pictures of CIFAR-100 are cut short")
    for number, record in enumerate(np.frombuffer(blob, np.uint8).reshape(-1, RECORD)):
        if record[1] >= len(names):
            raise DataError(f"picture {number} of CIFAR-100 has class {record[1]} of {len(names)}")
        pixels = record[2:].reshape(3, SIDE, SIDE).transpose(1, 2, 0)
        yield f"{split}/{names[record[1]]}/{number:05d}.png", pixels


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    for member in archive:
        if member.isfile() and member.name.endswith(f"/{name}") and member.size <= MOST_BYTES:
            stream = archive.extractfile(member)
            assert stream is not None
            return stream.read()
    raise DataError(f"the archive of CIFAR-100 has no '{name}'")
