import math
import random

import pytest
import torch

from reverie.errors import InputError
from reverie.optimize.tiles import (
    FLOAT_BYTES,
    PICTURE_BUFFERS,
    fits_whole,
    format_bytes,
    memory_budget,
    parse_bytes,
    plan_tiles,
    tile_for_budget,
)  # fmt: skip


def drawn(count: int = 200):
    draw = random.Random(0)
    for _ in range(count):
        align = draw.choice([1, 2, 4, 8, 16, 32])
        size = (draw.randint(1, 700), draw.randint(1, 700))
        yield size, draw.randint(1, 300), draw.randint(0, 150), align


@pytest.mark.slow
def test_cores_cover_every_pixel_exactly_once():
    for size, tile, halo, align in drawn():
        seen = torch.zeros(size, dtype=torch.int32)
        for t in plan_tiles(size, tile, halo, align):
            seen[t.top : t.bottom, t.left : t.right] += 1
        assert bool((seen == 1).all()), (size, tile, halo, align)


def test_cores_and_windows_begin_on_the_networks_grid_and_end_there_or_at_the_border():
    for size, tile, halo, align in drawn():
        for t in plan_tiles(size, tile, halo, align):
            assert t.top % align == t.left % align == t.window_top % align == t.window_left % align == 0
            assert t.bottom % align == 0 or t.bottom == size[0]
            assert t.window_right % align == 0 or t.window_right == size[1]


def test_cores_are_near_equal_and_no_larger_than_asked_for():
    for size, tile, halo, align in drawn():
        largest = max(tile // align * align, align)
        for first, last, length in (("top", "bottom", size[0]), ("left", "right", size[1])):
            sides = sorted({(getattr(t, first), getattr(t, last)) for t in plan_tiles(size, tile, halo, align)})
            lengths = [end - begin for begin, end in sides]
            assert max(lengths) <= largest
            assert max(lengths) - min(lengths[:-1], default=max(lengths)) <= align  # the last may be cut by the border
            units = math.ceil(length / align)
            assert len(sides) == math.ceil(units / (largest // align))  # no more of them than needed


def test_windows_hold_the_halo_where_the_picture_has_it():
    for size, tile, halo, align in drawn():
        for t in plan_tiles(size, tile, halo, align):
            assert t.top - t.window_top >= min(halo, t.top)
            assert t.window_bottom - t.bottom >= min(halo, size[0] - t.bottom)
            assert t.left - t.window_left < halo + align
            assert t.window_right <= size[1]
            rows, columns = t.core_in_window
            assert (t.window_top + rows.start, t.window_top + rows.stop) == (t.top, t.bottom)
            assert (t.window_left + columns.start, t.window_left + columns.stop) == (t.left, t.right)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2GB", 2_000_000_000), ("2gb", 2_000_000_000), ("2G", 2_000_000_000), (" 2 GB ", 2_000_000_000),
        ("1.5 GiB", 1_610_612_736), ("800M", 800_000_000), ("800MiB", 838_860_800), ("64k", 64_000), ("1TB", 10**12),
        ("123456", 123456), ("12b", 12),
    ],
)  # fmt: skip
def test_byte_counts_as_people_write_them(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GB", "two GB", "-1GB", "0", "nan", "inf", "1e999", "2XB", "2GG", "2iG", "1,5GB"])
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="--max-memory"):
        parse_bytes(text)


def test_byte_counts_for_people():
    assert format_bytes(2_340_000_000) == "2.3 GB"
    assert format_bytes(64_400_000) == "64 MB"


def needed(size, tile, halo, align, per_px) -> float:
    """Memory of the largest window and of the picture's buffers, counted from the plan itself."""
    tiles = plan_tiles(size, tile, halo, align)
    window = max((t.window_bottom - t.window_top) * (t.window_right - t.window_left) for t in tiles)
    return PICTURE_BUFFERS * 3 * FLOAT_BYTES * size[0] * size[1] + per_px * window


def test_the_tile_for_a_budget_fits_and_the_next_larger_one_would_not():
    size, per_px, halo, align = (3000, 4000), 2000.0, 90, 16
    for budget in (1.4e9, 2e9, 3e9):
        tile = tile_for_budget(size, budget, per_px, halo, align, used_bytes=0)
        assert tile % align == 0
        assert needed(size, tile, halo, align, per_px) <= budget
        window = tile + align + 2 * 96  # the halo rounded up to the grid
        assert PICTURE_BUFFERS * 12 * size[0] * size[1] + per_px * window**2 > budget


def test_no_tiles_where_the_whole_picture_fits():
    assert tile_for_budget((100, 100), 1e9, 1000, 50, 8, used_bytes=0) == 0
    assert tile_for_budget((100, 100), 1e9, 1000, 50, 8, used_bytes=0.98e9) == 0
    assert tile_for_budget((1000, 1000), 1e9, 1000, 50, 8, used_bytes=0.3e9) > 0


def test_fits_whole_is_the_same_decision():
    for used in (0, 4e8, 5e8, 6e8, 9e8):
        fits = fits_whole((700, 800), 1e9, 800, used_bytes=used)
        assert fits == (tile_for_budget((700, 800), 1e9, 800, 16, 8, used_bytes=used) == 0)


def test_a_budget_too_small_says_how_much_is_needed():
    with pytest.raises(InputError, match=r"200 MB.*needs about") as error:
        tile_for_budget((1000, 1000), 2e8, 2000, 90, 16, used_bytes=0.1e9)
    assert "--size" in str(error.value)


def test_a_users_budget_is_taken_and_else_a_share_of_what_is_free():
    budget, used = memory_budget("3GB", torch.device("cpu"))
    assert budget == 3e9
    assert used > 1e7
    assert memory_budget(None, torch.device("cpu"))[0] > used
