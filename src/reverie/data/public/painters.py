"""Paintings by artist from two collections that need packages of their own: WikiArt and Painter by Numbers.

Neither publishes checksums that could be compared: the sha256 of every picture is written down instead, and each is
decoded whole before it counts. Both are for research and teaching, not for sale; their works may be protected.

Source: WikiArt as mirrored at huggingface.co/datasets/huggan/wikiart; kaggle.com/c/painter-by-numbers, 2016.
"""

from __future__ import annotations

import csv
import importlib
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from reverie.data.gather.layout import file_name
from reverie.errors import DataError, InputError

WIKIART, NUMBERS = "wikiart", "painter-by-numbers"
PACKAGES = {WIKIART: "datasets", NUMBERS: "kagglehub"}
REPOSITORY = "huggan/wikiart"
TABLE = "all_data_info.csv"
PARTS = tuple(f"train_{number}.zip" for number in range(1, 10))
MOST_BYTES = 64 << 20  # of one picture
TERMS = {
    WIKIART: "WikiArt: for non-commercial research; works may be protected, so pass none on",
    NUMBERS: "Painter by Numbers (Kaggle): for that competition and research; works may be protected, so pass none on",
}


@dataclass(frozen=True)
class Painting:
    """One picture as its collection has it."""

    artist: str
    name: str
    data: bytes


def package_of(collection: str) -> ModuleType:
    """Return the package that a collection needs.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(PACKAGES[collection])
    except ImportError as error:
        raise InputError(f"{collection} needs a package: pip install 'reverie[paintings]'") from error


def paintings(collection: str, painters: Collection[str], most: int) -> Iterator[Painting]:
    """Yield up to `most` paintings of each artist; without `painters`, of all.

    Raises:
        DataError: the collection cannot be had: no connection, no account, or terms that were not accepted.
    """
    package = package_of(collection)
    wanted = {plain(name) for name in painters}
    counts: Counter[str] = Counter()
    found = _wikiart(package) if collection == WIKIART else _numbers(package)
    for artist, name, read in found:
        if (wanted and plain(artist) not in wanted) or counts[artist] >= most:
            continue
        counts[artist] += 1
        yield Painting(artist, name, read())
        if wanted and len(counts) == len(wanted) and min(counts.values()) >= most:
            return


def plain(name: str) -> str:
    """Return the name of an artist as it is compared and as a folder is called: claude-monet."""
    return file_name("-".join(name.lower().replace("_", " ").replace("-", " ").split()))


def _asked(collection: str, ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:  # both packages raise errors of their own and of what is below them
        reason = " ".join(str(error).split())[:120]
        where = "is there a connection?" if collection == WIKIART else "are account, rules and connection there?"
        raise DataError(f"{collection} cannot be had ({type(error).__name__}: {reason}); {where}") from error


def _wikiart(package: Any) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    rows = _asked(WIKIART, lambda: package.load_dataset(REPOSITORY, split="train", streaming=True))
    names = rows.features["artist"].names
    rows = iter(rows.cast_column("image", package.Image(decode=False)))
    number = 0
    while (row := _asked(WIKIART, lambda: next(rows, None))) is not None:
        number += 1
        yield names[row["artist"]], f"{number:06d}", lambda data=row["image"]["bytes"]: data


def _numbers(package: Any) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    def file(name: str) -> Path:
        return Path(_asked(NUMBERS, lambda: package.competition_download(NUMBERS, path=name)))

    with file(TABLE).open(encoding="utf-8", newline="") as stream:
        artist_of = {row["new_filename"]: row["artist"] for row in csv.DictReader(stream)}
    for part in PARTS:
        with zipfile.ZipFile(file(part)) as archive:
            for member in archive.infolist():
                name = Path(member.filename).name
                if name in artist_of and member.file_size <= MOST_BYTES:
                    yield artist_of[name], Path(name).stem, lambda a=archive, m=member: a.read(m)


def checked_suffix(painting: Painting) -> str:
    """Return the suffix of a painting's format after decoding it whole.

    Raises:
        PictureError: it is damaged, or no picture.
    """
    from reverie.media.image import read_picture

    read_picture(io.BytesIO(painting.data))
    return ".png" if painting.data.startswith(b"\x89PNG") else ".webp" if painting.data[8:12] == b"WEBP" else ".jpg"
