"""A collection looked at by shards: the numbers of one process, in its order, and unreadable pictures named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from reverie.data.collection import open_collection
from reverie.jobs.spread import Spread
from reverie.tools.embed.features import Seen, look
from reverie.tools.embed.kept import Shards


class Backwards(Spread):
    """Has the parts made here, the last one first."""

    elsewhere = True

    def __init__(self, make) -> None:
        super().__init__(make)
        self.asked: list[int] = []

    def made(self, units, folder):
        for unit in reversed(units):
            self.asked.append(unit)
            yield unit, self.make(unit, folder)


def test_shards_see_what_one_process_sees(pictures, tmp_path: Path, small_critic) -> None:
    folder = pictures(7, 64)
    (folder / "003.png").write_bytes(b"no picture")
    collection = open_collection(folder)
    names, alone, shared, place = ("conv1", "conv4"), Seen(), Seen(), tmp_path / "scratch"
    how = {"pool": "mean", "size_px": 64, "thumb_px": 32, "batch": 2}
    for _ in look(collection, small_critic, names, seen=alone, **how):
        pass
    shards = Shards(collection, small_critic, names, **how)
    spread = Backwards(shards.make)
    assert [*shards.look(shared, place, spread)] == [1, 3, 5, 7]
    spread.asked.clear()
    next(place.rglob("2.safetensors")).unlink()
    assert [*shards.look(Seen(), place, spread)] == [7]  # what is kept is not handed out again
    assert spread.asked == [2]
    assert [item.path for item in shared.items] == [item.path for item in alone.items]
    assert shared.broken == alone.broken
    assert len(shared.broken) == 1
    for name in names:
        assert torch.equal(shared.rows(name), alone.rows(name))
    assert torch.equal(torch.stack(shared.logits), torch.stack(alone.logits))
    assert np.array_equal(np.stack(shared.thumbs), np.stack(alone.thumbs))
