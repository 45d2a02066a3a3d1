"""A small COCO: pictures of train2017 whose boxes keep the proportions of classes and sizes of the whole.

The choice is made here, from the published annotations, so that nothing but those and the pictures is fetched. The
distance to the whole is chi-squared over 80 classes times three sizes; a random choice is improved by exchanging
pictures as long as that brings it closer.

Source: Lin et al. 2014, arXiv 1405.0312 (sizes: 32 and 96 px squared); the idea of a small COCO: Samet, Hicsonmez,
Akbas, "HoughNet", ECCV 2020, arXiv 2007.02355, section 4.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reverie.data.public.archive import RemoteFile
from reverie.errors import DataError

FILES = (
    RemoteFile(
        "http://images.cocodataset.org/annotations/annotations_trainval2017.zip", "f4bbac642086de4f52a3fdda2de5fa2c",
        252_907_541,
    ),
)  # fmt: skip
PICTURES = "http://images.cocodataset.org/train2017"
CITATION = (
    "COCO 2017: Lin et al. 2014, https://cocodataset.org; annotations CC BY 4.0, pictures as their own licences say"
)
MEMBER = "annotations/instances_train2017.json"
MOST_BYTES = 1 << 30
SMALL, MEDIUM = 32**2, 96**2  # px squared, between the three sizes
EXCHANGES = 40  # tried for each chosen picture


@dataclass(frozen=True, eq=False)
class Annotations:
    """What is known of the pictures.

    Attributes:
        images: entries of the JSON by id.
        boxes: id → bins of its boxes, three for each class.
        bins: how many there are.
        raw: the whole JSON.
    """

    images: Mapping[int, Mapping[str, Any]]
    boxes: Mapping[int, np.ndarray]
    bins: int
    raw: Mapping[str, Any]


def read_annotations(path: Path) -> Annotations:
    """Return the annotations of a zip of COCO.

    Raises:
        DataError: it is not what it should be.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MEMBER).file_size > MOST_BYTES:
                raise DataError(f"'{MEMBER}' is larger than {MOST_BYTES >> 20} MB")
            raw = json.loads(archive.read(MEMBER))
        order = {entry["id"]: index for index, entry in enumerate(raw["categories"])}
        found: dict[int, list[int]] = {}
        for box in raw["annotations"]:
            size = (box["area"] >= SMALL) + (box["area"] >= MEDIUM)
            found.setdefault(box["image_id"], []).append(3 * order[box["category_id"]] + size)
        images = {entry["id"]: entry for entry in raw["images"]}
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"the annotations of COCO cannot be read ({error})") from error
    boxes = {number: np.array(bins, np.int32) for number, bins in found.items() if number in images}
    return Annotations(images, boxes, 3 * len(order), raw)


def choose(boxes: Mapping[int, np.ndarray], bins: int, count: int, seed: int) -> tuple[list[int], float, float]:
    """Return the ids of `count` pictures, and chi-squared per bin of a random choice and of this one.

    Args:
        boxes: bins of the boxes of every picture.
        bins: how many there are.
        count: pictures to choose; all, where there are no more.
        seed: of the choice.
    """
    draw = random.Random(seed)
    order = sorted(boxes)
    draw.shuffle(order)
    chosen, rest = order[:count], order[count:]
    if not chosen:
        return [], 0.0, 0.0
    rows = {number: np.bincount(boxes[number], minlength=bins) for number in order}
    whole = np.sum(list(rows.values()), 0)
    target = whole * (len(chosen) / len(order))
    weight = 1 / np.maximum(target, 1.0)
    have = np.sum([rows[number] for number in chosen], 0).astype(np.float64)
    difference = have - target
    before = score = float((difference**2 * weight).sum())
    for _ in range(EXCHANGES * len(chosen) if rest else 0):
        out, into = draw.randrange(len(chosen)), draw.randrange(len(rest))
        change = rows[rest[into]] - rows[chosen[out]]
        better = float((change * (2 * difference + change) * weight).sum())
        if better < 0:
            difference, score = difference + change, score + better
            chosen[out], rest[into] = rest[into], chosen[out]
    return sorted(chosen), before / bins, score / bins


def instances(about: Annotations, chosen: Sequence[int]) -> dict[str, Any]:
    """Return the annotations of the chosen pictures alone, in COCO's own layout."""
    wanted = set(chosen)
    return {
        "info": about.raw.get("info", {}), "licenses": about.raw.get("licenses", []),
        "categories": about.raw["categories"], "images": [about.images[number] for number in chosen],
        "annotations": [box for box in about.raw["annotations"] if box["image_id"] in wanted],
    }  # fmt: skip


def attribution(about: Annotations, chosen: Sequence[int]) -> list[dict[str, str]]:
    """Return a line for each picture: file, page, licence."""
    licences = {entry.get("id"): entry for entry in about.raw.get("licenses", [])}
    found: list[dict[str, str]] = []
    for number in chosen:
        entry = about.images[number]
        licence = licences.get(entry.get("license"), {})
        found.append({
            "file": f"pictures/{entry['file_name']}", "licence": str(licence.get("name", "unknown")),
            "licence_url": str(licence.get("url", "")), "page": str(entry.get("flickr_url", "")),
        })  # fmt: skip
    return found
