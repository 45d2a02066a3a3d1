"""Crops of a pool: a function of a generator alone, whatever order and thread they are drawn in."""

from __future__ import annotations

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.data import crops
from reverie.data.batches import seeded
from reverie.data.crops import CropPool
from reverie.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "data" / "inner").mkdir(parents=True)
    for n, size in enumerate([(90, 120), (70, 70), (150, 80), (64, 200)]):
        where = tmp_path / "data" / ("inner" if n % 2 else "") / f"{n}.png"
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(where)
    return tmp_path / "data"


def drawn(pool: CropPool, step: int, zoom: float = 1.0) -> torch.Tensor:
    return pool.crops(3, 48, seeded(0, "batch", step), zoom=zoom)


def test_crops_follow_from_the_generator(folder: Path) -> None:
    one, two = CropPool([folder]), CropPool([folder])
    assert one.count == 4 and one.digest == two.digest
    first = [drawn(one, step) for step in range(4)]
    assert first[0].shape == (3, 3, 48, 48) and first[0].min() >= 0 and first[0].max() <= 1
    assert all(torch.equal(drawn(two, step), first[step]) for step in (3, 1, 0, 2))
    assert not torch.equal(first[0], first[1])


def test_threads_draw_what_one_alone_draws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [drawn(CropPool([folder]), step) for step in range(12)]
    for cache in (crops.CACHE_BYTES, 1):  # kept, and thrown away at once
        monkeypatch.setattr(crops, "CACHE_BYTES", cache)
        pool = CropPool([folder])
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(drawn, [pool] * 12, range(12)))
        assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))
        assert pool._cached_bytes == sum(pixels.nbytes for pixels in pool._cache.values())


def test_a_zip_and_a_file_are_pools_too(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, path.relative_to(folder))
    zipped = CropPool([tmp_path / "data.zip"])
    assert torch.equal(drawn(zipped, 0), drawn(CropPool([folder]), 0))
    single = CropPool([folder / "0.png"])
    assert single.count == 1 and drawn(single, 0).shape == (3, 3, 48, 48)


def test_sources_are_drawn_from_equally_often(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((60, 60, 3), 255, np.uint8)).save(tmp_path / "white.png")
    pool = CropPool([folder, tmp_path / "white.png"])
    white = sum((drawn(pool, step) > 0.999).flatten(1).all(1).sum().item() for step in range(40))
    assert 40 <= white <= 80  # of 120, expected 60 with a deviation of 5.5


def test_pictures_left_out_are_not_drawn(folder: Path) -> None:
    assert CropPool([folder], leave_out=("1.png", "2.png")).count == 2
    with pytest.raises(DataError, match="no picture"):
        CropPool([folder], leave_out=tuple(f"{n}.png" for n in range(4)))


def test_small_pictures_are_laid_out_two_by_two(tmp_path: Path) -> None:
    Image.fromarray(np.full((20, 24, 3), 90, np.uint8)).save(tmp_path / "a.png")
    crop = CropPool([tmp_path / "a.png"]).crops(1, 64, seeded(0, "batch", 0))
    assert crop.shape == (1, 3, 64, 64) and torch.allclose(crop, torch.full_like(crop, 90 / 255), atol=1e-5)


def test_a_broken_picture_is_passed_over_and_nothing_but_broken_ones_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "0.png").write_bytes(b"no picture")
    assert drawn(CropPool([folder]), 0).shape == (3, 3, 48, 48)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"in a row cannot be read; the last is '.*x\.png'"):
        drawn(CropPool([tmp_path / "b"]), 0)


def test_what_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("missing", "empty"):
        with pytest.raises(DataError):
            CropPool([tmp_path / name])
