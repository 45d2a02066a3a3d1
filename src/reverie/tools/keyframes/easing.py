"""How a value goes from one key to the next: curves from (0, 0) to (1, 1)."""

from __future__ import annotations

from collections.abc import Callable

Easing = Callable[[float], float]


def _power_in_out(t: float, power: int) -> float:
    return (2 * t) ** power / 2 if t < 0.5 else 1 - (2 - 2 * t) ** power / 2


EASINGS: dict[str, Easing] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "ease-in": lambda t: t**2,
    "ease-out": lambda t: 1 - (1 - t) ** 2,
    "ease-in-out": lambda t: _power_in_out(t, 2),
    "cubic-in": lambda t: t**3,
    "cubic-out": lambda t: 1 - (1 - t) ** 3,
    "cubic": lambda t: _power_in_out(t, 3),
    "hold": lambda t: 0.0 if t < 1 else 1.0,  # the old value until the key, then the new one
}
