"""How much memory reading a file may take: as the user said, else most of what is free."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import psutil

SHARE_OF_FREE = 0.9
_ASKED: ContextVar[float | None] = ContextVar("reading_budget", default=None)


def reading_budget() -> float:
    """Return the bytes that reading one file may take."""
    asked = _ASKED.get()
    return SHARE_OF_FREE * psutil.virtual_memory().available if asked is None else asked


@contextmanager
def reading_within(most_bytes: float | None) -> Iterator[None]:
    """Read files within a limit of memory in this block; None leaves it to what is free."""
    token = _ASKED.set(most_bytes)
    try:
        yield
    finally:
        _ASKED.reset(token)


def format_bytes(count: float) -> str:
    """Return a byte count for people, in decimal units."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
