"""What people are told about the loops over pixels and triangles of `reverie.render.fused`."""

from __future__ import annotations

from reverie.numerics.machine_code import has_numba


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
    return (f"the renderer is compiled for this machine at its first use, about {30 if moves else 10} seconds, once",)
