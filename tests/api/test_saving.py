"""Saving from Python: sources, foreign files and results of other settings stay; the same result is no new file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

import reverie
from reverie.errors import InputError


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    y, x = np.mgrid[0:48, 0:64]
    Image.fromarray(np.stack([x * 3, y * 4, 255 - x], -1).clip(0, 255).astype(np.uint8)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_result_of_other_settings_is_kept_and_the_new_one_counted_up(photo: Path) -> None:
    target = photo.with_name("dream.png")
    first = reverie.dream(photo, steps=1, octaves=1).save(target)
    before = first.read_bytes()
    assert reverie.dream(photo, steps=1, octaves=1).save(target) == target  # the same: no new file
    other = reverie.dream(photo, steps=0, octaves=1)
    with pytest.warns(UserWarning, match="'dream.png' has other settings and is kept; overwrite=True"):
        assert other.save(target) == photo.with_name("dream-2.png")
    assert "is kept" in other.notes[-1]
    assert target.read_bytes() == before
    assert reverie.dream(photo, steps=0, octaves=1).save(target, overwrite=True) == target
    assert target.read_bytes() != before
    with pytest.raises(InputError, match="made from"):
        reverie.dream(photo, steps=0, octaves=1).save(photo, overwrite=True)


def test_tools_by_name_and_drawings_follow_the_same_rule(photo: Path) -> None:
    target = photo.with_name("drawn.png")
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    kept = reverie.visualize(net, "0:1", size=32, steps=1).save(target).read_bytes()
    with pytest.warns(UserWarning, match="is kept"):
        assert reverie.visualize(net, "0:2", size=32, steps=1).save(target).name == "drawn-2.png"
    with pytest.warns(UserWarning, match="is kept"):
        (made,) = reverie.run_tool("dream", photo, steps=0, octaves=1).save(target)
    assert made.name == "drawn-3.png"
    assert target.read_bytes() == kept
