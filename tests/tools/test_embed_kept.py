"""Batches that were looked at stand in files: read again as they were, and looked at anew where anything changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from reverie.data.collection import open_collection
from reverie.media.write import write_picture
from reverie.tools.embed.features import Seen, look
from reverie.tools.embed.kept import kept_beside

HOW = {"pool": "mean", "size_px": 64, "thumb_px": 32}


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        write_picture(folder / f"{number:03}.png", rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    return folder


def looked(collection, critic, place: Path | None) -> Seen:
    seen = Seen()
    kept = None if place is None else kept_beside(place, collection, critic, ["conv1"], 2, **HOW)
    for _ in look(collection, critic, ["conv1"], batch=2, seen=seen, kept=kept, **HOW):
        pass
    return seen


def times(place: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in place.rglob("*.safetensors")}


def test_what_is_kept_is_not_looked_at_again_and_the_same(tmp_path: Path, small_critic) -> None:
    folder, place = pictures(tmp_path / "pictures", 7), tmp_path / "map.frames"
    (folder / "003.png").write_bytes(b"no picture")
    collection = open_collection(folder)
    alone, first = looked(collection, small_critic, None), looked(collection, small_critic, place)
    before = times(place)
    assert len(before) == 4
    next(place.rglob("1.safetensors")).write_bytes(b"cut off")  # damaged: that batch alone is looked at again
    again = looked(collection, small_critic, place)
    after = times(place)
    assert [name for name in before if before[name] != after[name]] == ["1.safetensors"]
    for seen in (first, again):
        assert torch.equal(seen.rows("conv1"), alone.rows("conv1"))
        assert torch.equal(torch.stack(seen.logits), torch.stack(alone.logits))
        assert (seen.items, seen.broken) == (alone.items, alone.broken)


def test_a_picture_that_was_replaced_is_looked_at_anew(tmp_path: Path, small_critic) -> None:
    folder, place = pictures(tmp_path / "pictures", 4), tmp_path / "map.frames"
    first = looked(open_collection(folder), small_critic, place)
    (folder / "000.png").write_bytes((folder / "001.png").read_bytes() + b" ")
    again = looked(open_collection(folder), small_critic, place)
    assert torch.equal(again.rows("conv1")[0], first.rows("conv1")[1])
    assert len(list(place.iterdir())) == 1  # what was kept of the old pictures is gone
