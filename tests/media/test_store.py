"""Pictures on disk: what was written comes back, in rows and in windows that wrap around."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from reverie.errors import OutputError
from reverie.media.store import Store

VALUES = np.random.default_rng(0).random((13, 9, 3), np.float32)


@pytest.fixture
def store(tmp_path: Path):
    with Store((13, 9), 3, tmp_path) as opened:
        opened.put_rows(0, VALUES)
        yield opened


def test_it_leaves_no_file_to_be_seen(store, tmp_path):
    if os.name == "posix":
        assert list(tmp_path.iterdir()) == []


def test_rows_come_back(store):
    assert np.array_equal(store.rows(0, 13), VALUES)
    assert np.array_equal(store.rows(4, 7), VALUES[4:7])
    store.put_rows(5, np.zeros((2, 9, 3), np.float32))
    assert not store.rows(5, 7).any()
    assert np.array_equal(store.rows(7, 13), VALUES[7:])


def test_it_begins_with_zeros(tmp_path):
    with Store((4, 5), 1, tmp_path) as fresh:
        assert not fresh.rows(0, 4).any()


@pytest.mark.parametrize(
    "window", [(0, 0, 13, 9), (3, 2, 4, 5), (-4, -3, 7, 6), (11, 7, 5, 4), (-2, 5, 3, 20), (40, -40, 1, 1)]
)
def test_windows_wrap_around_like_a_rolled_picture(store, window):
    top, left, height, width = window
    rows, columns = np.arange(top, top + height) % 13, np.arange(left, left + width) % 9
    assert np.array_equal(store.window(*window), VALUES[rows[:, None], columns])
    if height <= 13 and width <= 9:
        fresh = np.random.default_rng(1).random((height, width, 3), np.float32)
        store.put_window(top, left, fresh)
        expected = VALUES.copy()
        expected[rows[:, None], columns] = fresh
        assert np.array_equal(store.rows(0, 13), expected)


def test_threads_do_not_disturb_each_other(store):
    def there_and_back(row: int) -> bool:
        mine = np.full((1, 9, 3), row, np.float32)
        for _ in range(50):
            store.put_rows(row, mine)
            if not np.array_equal(store.rows(row, row + 1), mine):
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(there_and_back, range(13)))


def test_no_space_and_no_folder_are_said(store, tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="absent"):
        Store((4, 4), 3, tmp_path / "absent")

    class Full:
        def seek(self, _place: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "_file", Full())
    with pytest.raises(OutputError, match="No space left"):
        store.put_rows(0, VALUES)
