"""Batches that were looked at stand in files: read again as they were, and looked at anew where anything changed."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from reverie.critic.class_centers import load_centers
from reverie.data.collection import open_collection
from reverie.jobs.run import open_run
from reverie.jobs.session import Session
from reverie.media.image import read_picture
from reverie.media.write import write_picture
from reverie.tools.embed import kept
from reverie.tools.embed.features import Seen, look
from reverie.tools.embed.kept import kept_beside
from reverie.tools.registry import find_tool

HOW = {"pool": "mean", "size_px": 64, "thumb_px": 32}


def pictures(folder: Path, count: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        write_picture(folder / f"{number:03}.png", rng.integers(0, 255, (64, 64, 3), dtype=np.uint8))
    return folder


def looked(collection, critic, place: Path | None) -> Seen:
    seen = Seen()
    files = None if place is None else kept_beside(place, collection, critic, ["conv1"], 2, **HOW)
    for _ in look(collection, critic, ["conv1"], batch=2, seen=seen, kept=files, **HOW):
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


def run_of(tool: str, config: object, scratch: Path):
    return open_run(find_tool(tool), config, None, Session(), scratch=scratch)


@pytest.mark.parametrize(("tool", "more", "broken_after"), [
    ("embed layers", {"layer": ("conv1", "conv2")}, 2),
    ("embed atlas", {"layer": "conv2", "grid": 3, "least": 1, "tile": 32, "drawing_steps": 2, "together": 1}, 7),
])  # fmt: skip
@pytest.mark.slow
def test_what_was_killed_goes_on_to_the_same_result(
    tool: str, more: dict, broken_after: int, tmp_path: Path, monkeypatch
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a", "b"):
        pictures(folder / name, 12)
    how = {"data": str(folder), "batch": 4, "size": 64, "device": "cpu", "precision": "fp32"}
    config, place = find_tool(tool).config(**how, **more), tmp_path / "out.frames"
    with closing(run_of(tool, config, tmp_path / "alone.frames")) as run:
        whole = [len(list(run)), *run.save(tmp_path / "alone.png")]
    assert not (tmp_path / "alone.frames").exists()
    with closing(run_of(tool, config, place)) as run:  # as a kill leaves it: nothing is written, batches are kept
        for _ in zip(range(broken_after), run, strict=False):
            pass
    before, done = times(place), []
    kept_file = kept.write_bytes
    monkeypatch.setattr(kept, "write_bytes", lambda path, blob: done.append(path) or kept_file(path, blob))
    with closing(run_of(tool, config, place)) as run:
        assert len(list(run)) == whole[0]
        after = times(place)
        paths = run.save(tmp_path / "again.png")
    assert {name: after[name] for name in before} == before
    assert len(done) == 6 - min(broken_after, 6)
    assert not place.exists()
    for one, other in zip(whole[1:], paths, strict=True):
        assert_same(one, other)


def assert_same(one: Path, other: Path) -> None:
    if one.suffix == ".json":
        assert json.loads(one.read_bytes())["rows"] == json.loads(other.read_bytes())["rows"]
    elif one.suffix == ".png":
        assert np.array_equal(read_picture(one).rgb, read_picture(other).rgb)
    else:
        first, second = load_centers(one), load_centers(other)
        assert all(torch.equal(first.centers[name], second.centers[name]) for name in first.centers)


def test_what_was_stopped_before_anything_could_be_shown_writes_nothing(tmp_path: Path) -> None:
    data = tmp_path / "pictures"
    data.mkdir()
    for name in ("a", "b"):
        pictures(data / name, 12)
    for tool in ("embed layers", "embed atlas"):
        how = {"data": str(data), "batch": 4, "size": 64, "device": "cpu", "precision": "fp32"}
        with closing(run_of(tool, find_tool(tool).config(**how), tmp_path / "x.frames")) as run:
            next(iter(run))
            assert run.save(tmp_path / "x.png", unfinished=True) == ()
