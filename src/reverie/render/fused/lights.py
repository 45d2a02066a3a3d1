"""How bright a pixel is, and how that changes with its normal; see `reverie.render.light`."""

from __future__ import annotations

import math

import numpy as np

from reverie.render.fused.kernel import contracted, inlined

LEAST_LENGTH = 1e-12  # of a normal between those of three vertices


@contracted
def brightness(
    light: np.ndarray | tuple[float, ...], sky: bool, side: float, x: float, y: float, z: float
) -> tuple[float, float, float, float]:
    """Return how bright a normal of any length is, and the gradient.

    `light` is even, head, way to the camera (3), lamp, way to it (3), sky (9); `sky` tells whether there is one.
    `side` is 1 where the normal stands on the side that is seen, -1 on the other, 0 where it is asked itself.
    """
    over = 1.0 / max(math.sqrt(x * x + y * y + z * z), LEAST_LENGTH)
    x, y, z = x * over, y * over, z * over
    facing = x * light[2] + y * light[3] + z * light[4]
    if side == 0.0:
        side = -1.0 if facing < 0 else 1.0
    sx, sy, sz = side * x, side * y, side * z
    head = light[1] if side * facing >= 0 else 0.0
    total = light[0] + head * (side * facing)
    gx, gy, gz = head * light[2], head * light[3], head * light[4]
    above = sx * light[6] + sy * light[7] + sz * light[8]
    if above > 0:
        total += light[5] * above
        gx, gy, gz = gx + light[5] * light[6], gy + light[5] * light[7], gz + light[5] * light[8]
    if sky:
        total += (
            light[9] + light[10] * sy + light[11] * sz + light[12] * sx + light[13] * sx * sy + light[14] * sy * sz
            + light[15] * (3 * sz * sz - 1) + light[16] * sx * sz + light[17] * (sx * sx - sy * sy)
        )  # fmt: skip
        gx += light[12] + light[13] * sy + light[16] * sz + 2 * light[17] * sx
        gy += light[10] + light[13] * sx + light[14] * sz - 2 * light[17] * sy
        gz += light[11] + light[14] * sy + 6 * light[15] * sz + light[16] * sx
    gx, gy, gz = side * gx, side * gy, side * gz
    along = gx * x + gy * y + gz * z
    return total, (gx - along * x) * over, (gy - along * y) * over, (gz - along * z) * over


@inlined
def has_sky(light: np.ndarray) -> bool:
    """Tell whether a light has any coefficient of a sky."""
    for n in range(9, 18):  # noqa: SIM110 - compiled: there is no any()
        if light[n] != 0.0:
            return True
    return False
