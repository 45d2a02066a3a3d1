"""Running loss, speed and waiting of one epoch."""

from __future__ import annotations

FOLLOW = 0.02  # the shown loss remembers about 50 steps


class Meter:
    """Sums over the steps of an epoch; `loss` is an exponential average, NaN before the first step."""

    def __init__(self) -> None:
        self.loss = float("nan")
        self.pictures = 0
        self.seconds = 0.0
        self.waited = 0.0

    def add(self, loss: float, pictures: int, seconds: float, waited: float) -> None:
        """Count one step: its loss, its pictures, its duration and the part of it spent waiting for data."""
        self.loss = loss if self.pictures == 0 else self.loss + FOLLOW * (loss - self.loss)
        self.pictures += pictures
        self.seconds += seconds
        self.waited += waited

    @property
    def rate(self) -> float:
        """Pictures per second."""
        return self.pictures / self.seconds if self.seconds else 0.0

    @property
    def wait_share(self) -> float:
        """Share of the time spent waiting for data, in [0, 1]."""
        return self.waited / self.seconds if self.seconds else 0.0
