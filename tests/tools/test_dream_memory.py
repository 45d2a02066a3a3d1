"""Plans from a budget: whole, tiles, or tiles with the picture on disk."""

from __future__ import annotations

import pytest

from reverie.errors import InputError
from reverie.objective import layer, logit
from reverie.optimize.gradient import Ascent
from reverie.optimize.transforms import Transforms
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_steps.memory import memory_note, plan_memory

USED = 400e6
MEGAPIXELS_12, MEGAPIXELS_100 = (3000, 4000), (8660, 11548)


def plan(critic, size, memory, *, objective=None, disk=None, **settings):
    config = DreamConfig(max_memory=memory, **settings)
    ascent = Ascent(critic, objective or layer("conv4"), Transforms(32))
    return plan_memory(size, config, critic, ascent, used_bytes=USED, disk=disk)


def test_a_picture_that_fits_is_worked_in_one_piece(small_critic):
    found = plan(small_critic, (500, 700), "2GB")
    assert (found.tile_px, found.disk) == (0, False)
    assert USED < found.estimate_bytes < 2e9
    assert "in one piece" in memory_note(found, 1)


def test_more_memory_moves_a_picture_from_disk_to_tiles_to_one_piece(small_critic):
    found = [plan(small_critic, MEGAPIXELS_12, memory) for memory in ("1GB", "2GB", "64GB")]
    assert [(p.disk, p.tile_px > 0) for p in found] == [(True, True), (False, True), (False, False)]
    assert all(p.estimate_bytes <= p.budget_bytes for p in found)


def test_a_hundred_megapixels_go_on_disk_with_the_tiles_of_twelve(small_critic):
    small, large = (plan(small_critic, size, "1GB") for size in (MEGAPIXELS_12, MEGAPIXELS_100))
    assert large.disk
    assert large.tile_px == small.tile_px
    assert large.estimate_bytes == pytest.approx(small.estimate_bytes)  # does not grow with the picture
    assert large.disk_bytes > 4.5e9
    assert "on disk (4.8 GB there)" in memory_note(large, 400)


def test_larger_tiles_are_worth_the_way_to_the_disk(small_critic):
    per_px = small_critic.bytes_per_pixel(["conv4"])
    tight = USED + 7 * 12 * 12e6 + per_px * 200**2  # in memory there would be room for tiny tiles only
    found = plan(small_critic, MEGAPIXELS_12, str(int(tight)))
    assert found.disk and found.tile_px > 600
    assert not plan(small_critic, MEGAPIXELS_12, str(int(tight)), disk=False).disk


def test_a_given_tile_is_kept_if_it_fits(small_critic):
    assert plan(small_critic, MEGAPIXELS_100, "1GB", tile=256).tile_px == 256
    assert plan(small_critic, MEGAPIXELS_100, "1GB", tile=9000).tile_px < 2000


def test_too_little_is_said_with_what_would_do(small_critic):
    with pytest.raises(
        InputError, match=r"401 MB of memory is too little .* even with the picture on disk.*needs about"
    ):
        plan(small_critic, MEGAPIXELS_100, "401MB")
    with pytest.raises(InputError, match="too little"):
        plan(small_critic, MEGAPIXELS_100, "2GB", disk=False)
    with pytest.raises(InputError, match="whole picture"):
        plan(small_critic, MEGAPIXELS_100, "2GB", objective=logit(1))


def test_replicas_get_their_share_of_a_picture_that_would_fit(make_critic):
    critic = make_critic()
    assert plan(critic, (600, 900), "8GB").tile_px == 0
    critic.replicas = (make_critic(), make_critic())
    found = plan(critic, (600, 900), "8GB")
    assert (found.tile_px, found.disk) == (304, False)
    assert plan(critic, (80, 100), "8GB").tile_px == 0  # halos would cost more than sharing gains
