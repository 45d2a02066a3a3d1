"""The folder that a collection becomes: ``train/CLASS/`` and ``val/CLASS/``, ATTRIBUTION.csv, and a review.

train/fountain/00012-trevi-fountain.jpg     pictures, as they were fetched
val/fountain/...                            whole works that training does not see
ATTRIBUTION.csv                             whose each is, under which licence, and where it is from
review/index.html                           a page to look through the pictures and choose what to leave out
review/fountain.jpg                         a contact sheet of each class
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.data.gather.manifest import Kept
from reverie.data.gather.review import review_page
from reverie.errors import PictureError

ATTRIBUTION = "ATTRIBUTION.csv"
COLUMNS = ("file", "class", "title", "creator", "licence", "licence_url", "attribution", "page", "url", "source",
           "sha256", "width", "height", "group")  # fmt: skip
SHEET_PX, SHEET_COLUMNS, MOST_ON_SHEET = 160, 10, 200
NO_NAME = frozenset(("con", "prn", "aux", "nul", "com1", "lpt1"))  # of no file on Windows


@dataclass(frozen=True)
class Placed:
    """One picture of a collection and its place in the folder."""

    kept: Kept
    place: str
    group: int


def place(kept: Sequence[Kept], groups: Sequence[int], held: set[int]) -> list[Placed]:
    """Return where each picture goes; `groups` and `held` count in the order of `kept`."""
    found: list[Placed] = []
    for index, item in enumerate(kept):
        side = "val" if index in held else "train"
        name = f"{item.id:05d}-{file_name(item.record.title)}{Path(item.file).suffix}"
        found.append(Placed(item, f"{side}/{file_name(item.label)}/{name}", groups[index]))
    return found


def write_folder(folder: Path, placed: Sequence[Placed], pictures: Path) -> None:
    """Write a collection into an empty folder.

    Args:
        folder: is there and empty.
        placed: the pictures.
        pictures: folder that holds them under their own names; they are linked, or copied where that is impossible.
    """
    for item in placed:
        target = folder / item.place
        target.parent.mkdir(parents=True, exist_ok=True)
        link(pictures / item.kept.file, target)
    write_rows(folder / ATTRIBUTION, [row_of(item) for item in placed])
    write_review(folder, [row_of(item) for item in placed])


def row_of(item: Placed) -> dict[str, str]:
    """Return the line of ATTRIBUTION.csv of a picture."""
    kept, record = item.kept, item.kept.record
    return {
        "file": item.place, "class": kept.label, "title": record.title, "creator": record.creator,
        "licence": record.licence, "licence_url": record.licence_url, "attribution": record.attribution,
        "page": record.page, "url": record.url, "source": record.source, "sha256": kept.sha256,
        "width": str(kept.width), "height": str(kept.height), "group": str(item.group),
    }  # fmt: skip


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write ATTRIBUTION.csv; a cell that a spreadsheet would take for a formula gets a quote in front."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(row.get(name, "")) for name in COLUMNS})
    path.write_text(text.getvalue(), encoding="utf-8")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of an ATTRIBUTION.csv."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: str(v or "") for k, v in row.items() if k} for row in csv.DictReader(file)]


def write_review(folder: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the page and a contact sheet of each class."""
    review = folder / "review"
    review.mkdir()
    labels = list(dict.fromkeys(row["class"] for row in rows))
    for label in labels:
        chosen = [row for row in rows if row["class"] == label][:MOST_ON_SHEET]
        _write_sheet(review / f"{file_name(label)}.jpg", folder, chosen, label)
    (review / "index.html").write_text(review_page(_heading(labels), rows), encoding="utf-8")


def _heading(labels: Sequence[str]) -> str:
    return ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")


def _write_sheet(path: Path, folder: Path, rows: Sequence[dict[str, str]], label: str) -> None:
    from reverie.media.image import read_square
    from reverie.media.sheet import contact_sheet
    from reverie.media.write import write_picture

    tiles, captions = [], []
    for row in rows:
        try:
            tiles.append(read_square(io.BytesIO((folder / row["file"]).read_bytes()), SHEET_PX, row["file"]))
        except (OSError, PictureError):
            continue
        captions.append(row["title"])
    if tiles:
        title = f"{label}: {len(tiles)} pictures"
        sheet = contact_sheet(tiles, columns=SHEET_COLUMNS, tile_px=SHEET_PX, captions=captions, title=title)
        write_picture(path, sheet, quality=85)


def link(source: Path, target: Path) -> None:
    """Put a file under a second name without copying it, or copy it where the disk knows no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def file_name(text: str) -> str:
    """Return words as a file or folder may be called everywhere: letters, digits and ``-``, at most 60 characters."""
    normal = unicodedata.normalize("NFC", text).lower()
    name = re.sub(r"[^\w]+", "-", normal, flags=re.UNICODE).strip("-_")[:60].strip("-_")
    return f"{name}-" if name in NO_NAME else name or "untitled"
