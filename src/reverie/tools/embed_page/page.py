"""The page of a map: one folder that opens in any browser without a network.

``index.html`` holds script, style and all numbers; ``sheets/`` holds the thumbnails. The page asks no server for
anything, so it also works from a disk.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.tools.embed_page.findings import Duplicate, Suspect, class_colors
from reverie.tools.embed_page.sprites import COARSE_PX, SHEET_PX, along_curve, jpeg, sheets_of, shrunk

HERE = Path(__file__).parent
SHEETS, INDEX = "sheets", "index.html"
NONE = 65535  # no class, no group


@dataclass(frozen=True, eq=False)
class Shown:
    """All that a page shows.

    Attributes:
        title: of the page.
        made: one line: network, layer, method.
        names: of the pictures.
        places: ``[N, 2]``.
        classes: names of the classes of `labels`.
        labels: ``[N]``, -1 without.
        predictions: names of the network's classes and ``[N]`` indices and ``[N]`` probabilities; None without.
        groups: ``[N]``, -1 outside.
        outlier: ``[N]`` factors.
        neighbors: ``[N, k]``.
        duplicates, outliers, suspects: the lists.
        thumbs: ``[T, T, 3]`` uint8 each.
    """

    title: str
    made: str
    names: Sequence[str]
    places: Tensor
    classes: Sequence[str]
    labels: Tensor
    predictions: tuple[Sequence[str], Tensor, Tensor] | None
    groups: Tensor
    outlier: Tensor
    neighbors: Tensor
    duplicates: Sequence[Duplicate]
    outliers: Sequence[int]
    suspects: Sequence[Suspect]
    thumbs: Sequence[np.ndarray]


def write_page(folder: Path, shown: Shown) -> None:
    """Write the page and its sheets into a folder."""
    order = along_curve(shown.places)
    (folder / SHEETS).mkdir()
    thumbs = [shown.thumbs[i] for i in order.tolist()]
    side = len(thumbs[0])
    fine = [_write(folder, f"fine-{i:03d}", sheet) for i, sheet in enumerate(sheets_of(thumbs, side))]
    small = list(shrunk(thumbs, COARSE_PX))
    coarse = [_write(folder, f"coarse-{i:03d}", sheet) for i, sheet in enumerate(sheets_of(small, COARSE_PX))]
    about = {
        "thumb": side, "columns": SHEET_PX // side, "fine": fine,
        "coarsePx": COARSE_PX, "coarseColumns": SHEET_PX // COARSE_PX, "coarse": coarse,
    }  # fmt: skip
    (folder / INDEX).write_text(page_text(shown, order, about), encoding="utf-8")


def page_text(shown: Shown, order: Tensor, about: Mapping[str, object]) -> str:
    """Return the page, its pictures in another order than the collection's."""
    data = _numbers(shown, order) | dict(about)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    page = (HERE / "page.html").read_text(encoding="utf-8")
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("map.js", "panel.js"))
    style = (HERE / "page.css").read_text(encoding="utf-8")
    return page.replace("/*STYLE*/", style).replace("/*SCRIPT*/", script).replace("/*DATA*/null", text)


def _numbers(shown: Shown, order: Tensor) -> dict[str, object]:
    position = torch.empty_like(order)
    position[order] = torch.arange(len(order))
    names = [shown.names[i] for i in order.tolist()]
    kinds: list[dict[str, object]] = []
    if shown.classes:
        kinds.append(_kind("class", shown.classes, shown.labels[order]))
    probability = ""
    if shown.predictions is not None:
        kinds.append(_used_kind("prediction", shown.predictions[0], shown.predictions[1][order]))
        probability = _bytes((shown.predictions[2][order] * 255).round().numpy().astype("u1"))
    groups = int(shown.groups.max()) + 1
    kinds.append(_kind("group", [f"group {i + 1}" for i in range(groups)], shown.groups[order]))
    return {
        "title": shown.title, "made": shown.made, "count": len(names), "names": names, "places": _places(shown, order),
        "kinds": kinds, "probability": probability,
        "outlier": _bytes((shown.outlier[order].clamp(0, 4) * 63).numpy().astype("u1")),
        "neighborCount": shown.neighbors.shape[1],
        "neighbors": _bytes(position[shown.neighbors[order]].numpy().astype("<u4")),
        "lists": {
            "duplicates": [[int(position[p.first]), int(position[p.second]), p.kind] for p in shown.duplicates],
            "outliers": [[int(position[i]), round(float(shown.outlier[i]), 2)] for i in shown.outliers],
            "mislabelled": [[int(position[s.index]), s.suggested, s.confidence] for s in shown.suspects],
        },
    }  # fmt: skip


def _places(shown: Shown, order: Tensor) -> str:
    """Places as 16-bit whole numbers, both axes on one scale, the wider from end to end."""
    places = shown.places[order]
    low, high = places.amin(0), places.amax(0)
    width = (high - low).max().clamp_min(1e-12)
    offset = (1 - (high - low) / width) / 2
    return _bytes((((places - low) / width + offset) * 65535).round().numpy().astype("<u2"))


def _kind(name: str, values: Sequence[str], index: Tensor) -> dict[str, object]:
    found = torch.where(index < 0, NONE, index).numpy().astype("<u2")
    return {"name": name, "values": list(values), "colors": class_colors(len(values)), "index": _bytes(found)}


def _used_kind(name: str, values: Sequence[str], index: Tensor) -> dict[str, object]:
    """As `_kind`, with those values only that occur, the most frequent first."""
    counts = torch.bincount(index, minlength=len(values))
    used = [i for i in counts.argsort(descending=True, stable=True).tolist() if counts[i] > 0]
    table = torch.zeros(len(values), dtype=torch.long)
    table[used] = torch.arange(len(used))
    return _kind(name, [str(values[i]) for i in used], table[index])


def _bytes(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _write(folder: Path, name: str, sheet: np.ndarray) -> str:
    (folder / SHEETS / f"{name}.jpg").write_bytes(jpeg(sheet))
    return f"{SHEETS}/{name}.jpg"
