"""What the allocator keeps for later, and what it gives back to the system.

A gradient step takes and frees some hundred megabytes. By default glibc gives large pieces back at once, and the
system hands them out again page by page, each filled with zeros: up to 100,000 page faults a step, a tenth to a third
of its time. So while a work runs such pieces are kept; `give_back` returns them at its end.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # options of mallopt, malloc.h
PIECE_BYTES = 1 << 28  # 256 MiB: more than any piece of a picture of a megapixel
KEPT_BYTES = 1 << 30  # of all; glibc finds a gap for an aligned piece of the same size only in the third round


def give_back() -> bool:
    """Return freed memory to the system, and whether the allocator could be asked; only glibc's on Linux can.

    It keeps what lies between pieces still in use. Over the tiles of a picture of 100 megapixels such gaps grew to
    100 MB, since windows of several sizes come and go.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
    return trim is not None


def keep() -> bool:
    """Let the allocator keep freed pieces for the next step, and return whether it could be asked."""
    option = _library_function("mallopt")
    if option is None:
        return False
    option.argtypes, option.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    return option(MMAP_THRESHOLD, PIECE_BYTES) == 1 and option(TRIM_THRESHOLD, KEPT_BYTES) == 1


@cache
def _trim() -> Callable[[int], int] | None:
    """Return `malloc_trim` of the C library, where there is one."""
    function = _library_function("malloc_trim")
    if function is not None:
        function.argtypes, function.restype = [ctypes.c_size_t], ctypes.c_int
    return function


def _library_function(name: str) -> Any:
    """Return a function of the C library; None where there is none: with musl, and outside Linux."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
