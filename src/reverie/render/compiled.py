"""Whether loops over pixels and triangles can be compiled; those are in `reverie.render.fused`."""

from __future__ import annotations

import functools
import importlib.util


@functools.cache
def has_numba() -> bool:
    """Tell whether numba is installed; without it everything runs as torch operations, several times slower."""
    return importlib.util.find_spec("numba") is not None
