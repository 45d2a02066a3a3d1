"""Compile loops over pixels and triangles with numba, on first use."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

Kernel = Callable[..., None]


@functools.cache
def has_numba() -> bool:
    """Tell whether numba is installed; without it everything runs as torch operations, several times slower."""
    return importlib.util.find_spec("numba") is not None


@functools.cache
def compiled(function: Kernel) -> Kernel:
    """Return the function as machine code, which is kept on disk between runs; arguments are numpy arrays.

    No fast math: that two triangles compute exactly opposite numbers for the edge they share keeps surfaces closed.
    """
    import numba  # here, because it takes a third of a second

    jitted: Any = numba.njit(function, cache=True, nogil=True, fastmath=False)
    return jitted
