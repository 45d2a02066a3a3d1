"""Oxford-IIIT Pets: 7,349 photographs of 37 breeds of cats and dogs, with masks of the animals. Licence CC BY-SA 4.0.

Source: Parkhi, Vedaldi, Zisserman, Jawahar, "Cats and Dogs", CVPR 2012; https://www.robots.ox.ac.uk/~vgg/data/pets/
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import numpy as np

from reverie.data.public.archive import RemoteFile
from reverie.errors import DataError
from reverie.media.source import open_picture, pixel_limit, reading

BASE = "https://www.robots.ox.ac.uk/~vgg/data/pets/data"
FILES = (
    RemoteFile(f"{BASE}/images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c", 791_918_971),
    RemoteFile(f"{BASE}/annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f", 19_173_078),
)
CITATION = "Oxford-IIIT Pets: Parkhi et al. 2012, https://www.robots.ox.ac.uk/~vgg/data/pets/, CC BY-SA 4.0"
SPLITS = {"annotations/trainval.txt": "train", "annotations/test.txt": "val"}
MOST_BYTES = 32 << 20  # of one file inside
ANIMAL, BACKGROUND, BORDER = 1, 2, 3  # values of a trimap
GRAY = {ANIMAL: 255, BACKGROUND: 0, BORDER: 128}


def pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield place and bytes of every photograph, such as "train/Abyssinian/Abyssinian_1.jpg".

    Raises:
        DataError: the archives are not what they should be.
    """
    split = {}
    for name, blob in _members(folder / FILES[1].name, tuple(SPLITS)):
        for line in blob.decode("ascii", "replace").splitlines():
            if line.split():
                split[line.split()[0]] = SPLITS[name]
    if not split:
        raise DataError("the annotations of the pets have no lists")
    for name, blob in _members(folder / FILES[0].name, ("images/",)):
        stem = PurePosixPath(name).stem
        if stem in split and name.endswith(".jpg"):
            yield f"{split[stem]}/{stem.rpartition('_')[0]}/{stem}.jpg", blob


def pairs(folder: Path) -> Iterator[tuple[str, bytes | np.ndarray]]:
    """Yield photographs below "pictures/" and masks ``[H, W]`` uint8 below "masks/": 255 animal, 128 border, 0 behind.

    Raises:
        DataError: the archives are not what they should be.
    """
    known: set[str] = set()
    for name, blob in _members(folder / FILES[1].name, ("annotations/trimaps/",)):
        stem = PurePosixPath(name).stem
        if name.endswith(".png") and not stem.startswith("."):
            with reading(name):
                trimap = np.asarray(open_picture(io.BytesIO(blob), name, pixel_limit()).convert("L"))
            table = np.zeros(256, np.uint8)
            table[list(GRAY)] = list(GRAY.values())
            known.add(stem)
            yield f"masks/{stem}.png", table[trimap]
    for name, blob in _members(folder / FILES[0].name, ("images/",)):
        if PurePosixPath(name).stem in known and name.endswith(".jpg"):
            yield f"pictures/{PurePosixPath(name).name}", blob


def _members(path: Path, starts: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and name.startswith(starts) and member.size <= MOST_BYTES:
                stream = archive.extractfile(member)
                assert stream is not None
                yield name, stream.read()
