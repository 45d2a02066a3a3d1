"""How loops over pixels and triangles are compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from reverie.numerics.machine_code import compiled

P = ParamSpec("P")
R = TypeVar("R")


def is_kept(kernel: Any) -> bool:
    """Tell whether the machine code of a kernel is on disk from an earlier run."""
    source, folder = Path(inspect.getsourcefile(kernel.py_func) or ""), kernel.stats.cache_path
    if folder is None:
        return False
    files = Path(folder).glob(f"{source.stem}.{kernel.py_func.__name__}-*.nbi")
    return any(file.stat().st_mtime >= source.stat().st_mtime for file in files)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes no arrays as machine code.

    No fast math: what two triangles share must be the same to the last bit. Arrays are not counted (``_nrt``): numba
    would count them up and down for every pixel, in each part of a kernel that takes some.
    """
    jitted: Any = compiled(function, _nrt=False)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Return a part of kernels; a call with a dozen arrays would cost more than what it does for a pixel."""
    jitted: Any = compiled(function, _nrt=False, forceinline=True)
    return jitted


def contracted(function: Callable[P, R]) -> Callable[P, R]:
    """Return a part of kernels in which a product and a sum may be one operation: for colors, not for places."""
    jitted: Any = compiled(function, _nrt=False, forceinline=True, fastmath={"contract"})
    return jitted


def allocating(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that makes arrays as machine code."""
    jitted: Any = compiled(function)
    return jitted
