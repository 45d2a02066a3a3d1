"""The One-Euro filter: a noisy input made smooth while it is slow, and quick while it is fast."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

LEAST_STEP_S = 1e-4  # samples that come at the same time count as this far from each other


@dataclass
class OneEuro:
    """A low pass whose cutoff follows the speed of the input.

    x'_i = a x_i + (1 - a) x'_{i-1}, a = 1 / (1 + 1 / (2 pi f dt)), f = min_cutoff_hz + beta |dx'|, where dx' is the
    speed, smoothed by a low pass of `speed_cutoff_hz`. Samples may come at any times.

    Args:
        min_cutoff_hz: of an input at rest; smaller is smoother. 0 leaves everything as it is.
        beta: how much a fast input opens the filter, in Hz for one unit a second.
        speed_cutoff_hz: of the speed.

    Source: Casiez, Roussel, Vogel 2012, 1 Euro Filter, CHI 2012, algorithm 1.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.05
    speed_cutoff_hz: float = 1.0
    _value: float | None = field(default=None, init=False)
    _speed: float = field(default=0.0, init=False)
    _time_s: float = field(default=0.0, init=False)

    def __call__(self, value: float, time_s: float) -> float:
        """Return the smoothed value at a time, which does not run backwards."""
        if self._value is None or self.min_cutoff_hz <= 0:
            self._value, self._time_s = value, time_s
            return value
        step_s = max(time_s - self._time_s, LEAST_STEP_S)
        self._time_s = time_s
        share = _share(self.speed_cutoff_hz, step_s)
        self._speed += share * ((value - self._value) / step_s - self._speed)
        self._value += _share(self.min_cutoff_hz + self.beta * abs(self._speed), step_s) * (value - self._value)
        return self._value


def _share(cutoff_hz: float, step_s: float) -> float:
    """Return how much of a new sample is taken."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * step_s))
