"""Give memory that the allocator keeps for later back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> bool:
    """Return freed memory to the system, and whether the allocator could be asked; only glibc's on Linux can.

    It keeps what lies between pieces still in use. Over the tiles of a picture of 100 megapixels such gaps grew to
    100 MB, since windows of several sizes come and go.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
    return trim is not None


@cache
def _trim() -> Callable[[int], int] | None:
    """Return `malloc_trim` of the C library, where there is one: not with musl, and not outside Linux."""
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function.argtypes, function.restype = [ctypes.c_size_t], ctypes.c_int
    return function
