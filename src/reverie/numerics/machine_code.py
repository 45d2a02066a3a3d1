"""Loops as machine code, where numba is installed."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@functools.cache
def has_numba() -> bool:
    """Tell whether numba is installed; without it everything runs as torch operations, several times slower."""
    return importlib.util.find_spec("numba") is not None


def compiled(function: Callable[P, R], **how: Any) -> Any:
    """Return a function as machine code: kept on disk, without Python's lock; a division by zero gives infinity.

    Numba keeps machine code beside the source, else in the user's cache folder, or where ``NUMBA_CACHE_DIR`` says;
    where no folder can be written, the function is compiled anew by each process.
    """
    from numba import njit  # heavy

    try:
        return njit(cache=True, nogil=True, error_model="numpy", **how)(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy", **how)(function)
