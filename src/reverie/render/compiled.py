"""Whether loops over pixels and triangles can be compiled; those are in `reverie.render.fused`."""

from __future__ import annotations

import functools
import importlib.util


@functools.cache
def has_numba() -> bool:
    """Tell whether numba is installed; without it everything runs as torch operations, several times slower."""
    return importlib.util.find_spec("numba") is not None


def compile_notes(moves: bool) -> tuple[str, ...]:
    """Return a line for people where loops are still to be compiled, which takes a while, else nothing.

    Args:
        moves: whether vertices will, which other loops draw.
    """
    if not has_numba():
        return ()
    from reverie.render.fused.corners import interpolate  # needs numba
    from reverie.render.fused.kernel import is_kept
    from reverie.render.fused.shade import shade_back

    if is_kept(shade_back if moves else interpolate):
        return ()
    return (f"the renderer is compiled for this machine at its first use, about {20 if moves else 10} seconds, once",)
