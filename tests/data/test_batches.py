"""Batches are a function of (seed, epoch, number), whoever asks for them and wherever a run begins."""

from __future__ import annotations

import threading

import pytest
import torch

from reverie.data.augment import Augmentation
from reverie.data.batches import batch_starts, epoch_batches, seed_of, seeded
from reverie.data.pack import PackedPictures

HOW = Augmentation(noise=0.1)


@pytest.fixture
def pictures():
    pixels = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return PackedPictures(pixels, torch.arange(50), tuple(map(str, range(50))), 8)


def epoch(pictures, number=0, **how):
    return list(epoch_batches(pictures, HOW, 8, 8, 3, number, **how))


def workers() -> int:
    return sum(thread.name == "reverie-batches" for thread in threading.enumerate())


def test_an_epoch_shows_every_picture_once_at_most(pictures):
    labels = torch.cat([batch.labels for batch in epoch(pictures)])
    assert len(labels) == 48  # the last two make no whole batch
    assert len(labels.unique()) == 48


def test_epochs_differ_and_repeat(pictures):
    first, again, second = epoch(pictures, 0), epoch(pictures, 0), epoch(pictures, 1)
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].labels, second[0].labels)


def test_skipped_batches_leave_the_others_as_they_were(pictures):
    whole, rest = epoch(pictures), epoch(pictures, skip=4)
    assert len(rest) == 2
    assert all(torch.equal(a.images, b.images) for a, b in zip(whole[4:], rest, strict=True))


def test_shards_divide_every_batch(pictures):
    whole, shards = epoch(pictures), [epoch(pictures, shard=(rank, 3)) for rank in range(3)]
    for index, batch in enumerate(whole):
        parts = torch.cat([shard[index].labels for shard in shards])
        assert {len(shard[index].labels) for shard in shards} == {2}
        assert set(parts.tolist()) <= set(batch.labels.tolist())
        assert len(parts.unique()) == 6


@pytest.mark.parametrize(("count", "starts"), [(5, [0]), (8, [0]), (17, [0, 8]), (24, [0, 8, 16])])
def test_only_a_lonely_batch_may_be_incomplete(count, starts):
    assert batch_starts(count, 8) == starts


def test_an_error_while_reading_reaches_the_loop(pictures):
    class Broken:
        labels, paths, size_px = pictures.labels, pictures.paths, 8

        def fetch(self, indices):
            raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        epoch(Broken())


def test_a_loop_that_stops_early_leaves_no_thread(pictures):
    before = workers()
    batches = epoch_batches(pictures, HOW, 8, 8, 3, 0)
    next(batches)
    assert workers() == before + 1
    batches.close()
    assert workers() == before


def test_waiting_is_measured(pictures):
    assert all(batch.waited_s >= 0 for batch in epoch(pictures))


def test_seeds_differ_by_every_part():
    assert seed_of(1, "a", 2) == seed_of(1, "a", 2)
    assert len({seed_of(1, "a", 2), seed_of(1, "a", 3), seed_of(1, "b", 2), seed_of(2, "a", 2)}) == 4
    assert torch.equal(torch.rand(3, generator=seeded(1, 2)), torch.rand(3, generator=seeded(1, 2)))
