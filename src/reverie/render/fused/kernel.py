"""How loops are compiled: kept on disk, without Python's lock, a division by zero gives infinity as in torch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


compiled: Any = functools.partial(njit, cache=True, nogil=True, error_model="numpy")


PART = {"_nrt": False, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes no arrays as machine code.

    No fast math: what two triangles share must be the same to the last bit. Arrays are not counted (``_nrt``): numba
    would count them up and down for every pixel, in each part of a kernel that takes some.
    """
    jitted: Any = compiled(_nrt=False)(function)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Return a part of kernels; a call with a dozen arrays would cost more than what it does for a pixel.

    Python itself cannot call it, so that half of what would be compiled for each is left out.
    """
    jitted: Any = compiled(**PART)(function)
    return jitted


def contracted(function: Callable[P, R]) -> Callable[P, R]:
    """Return a part of kernels in which a product and a sum may be one operation: for colors, not for places."""
    jitted: Any = compiled(**PART, fastmath={"contract"})(function)
    return jitted


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes arrays as machine code."""
    jitted: Any = compiled()(function)
    return jitted
