"""A signal: one input of a board, calibrated to its range, smoothed, and back home when nothing comes any more."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from reverie.media.signals.board import Board
from reverie.numerics.one_euro import OneEuro

BACK_TO_REST_S = 1.0  # in which a lost signal goes 63 % of the way home
EDGES = (2.0, 98.0)  # percentiles that calibration takes for the ends: single outliers do not count
MOST_SAMPLES = 20_000  # of a calibration
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class SignalSettings:
    """How an input becomes a number in [0, 1].

    Attributes:
        source: name of the input on the board.
        low, high: ends of its range; None finds them by calibration.
        calibrate_s: how long it is watched for that, from its first value on; it rests at home meanwhile.
        smooth_hz: cutoff of the One-Euro filter at rest; 0 for none.
        beta: how much speed opens the filter, for a signal in [0, 1].
        timeout_s: without a new value for so long it goes home; 0 never.
        home: where it rests, in [0, 1].
    """

    source: str
    low: float | None = 0.0
    high: float | None = 1.0
    calibrate_s: float = 10.0
    smooth_hz: float = 1.5
    beta: float = 0.5
    timeout_s: float = 3.0
    home: float = 0.5


@dataclass
class Signal:
    """The state of one signal; ask it once for each frame."""

    settings: SignalSettings
    value: float = field(init=False)
    range: tuple[float, float] | None = field(init=False)

    def __post_init__(self) -> None:
        self.value = self.settings.home
        self._smooth = OneEuro(self.settings.smooth_hz, self.settings.beta)
        self._seen: list[float] = []
        self._first_s: float | None = None
        self._asked_s: float | None = None
        low, high = self.settings.low, self.settings.high
        self.range = None if low is None or high is None else (low, high)

    def at(self, board: Board, now_s: float) -> float:
        """Return the signal in [0, 1] at a time of the board's clock, which does not run backwards."""
        step_s = 0.0 if self._asked_s is None else max(0.0, now_s - self._asked_s)
        self._asked_s = now_s
        sample = board.get(self.settings.source)
        lost = sample is None or (0 < self.settings.timeout_s < now_s - sample.time_s)
        if sample is None or lost or not self._calibrated(sample.value, sample.time_s, now_s):
            self.value += (self.settings.home - self.value) * (1 - math.exp(-step_s / BACK_TO_REST_S))
            self._smooth = OneEuro(self.settings.smooth_hz, self.settings.beta)
            self._smooth(self.value, now_s)
            return self.value
        assert self.range is not None
        low, high = self.range
        self.value = self._smooth(min(max((sample.value - low) / (high - low), 0.0), 1.0), now_s)
        return self.value

    def _calibrated(self, value: float, time_s: float, now_s: float) -> bool:
        """Tell whether the range is known; while it is not, take the value into account."""
        if self.range is not None:
            return True
        self._first_s = time_s if self._first_s is None else self._first_s
        if len(self._seen) < MOST_SAMPLES:
            self._seen.append(value)
        if now_s - self._first_s < self.settings.calibrate_s:
            return False
        low, high = (float(edge) for edge in np.percentile(self._seen, EDGES))
        self.range = (low, high if high - low > LEAST_SPREAD else low + 1.0)
        self._seen.clear()
        return True
