"""Speeds that change on a clip's way: which frame of the clip each frame of the result shows."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reverie.tools.latent_timeline.edl import MOST_EVENTS
from reverie.tools.latent_timeline.pieces import Piece


@dataclass(frozen=True)
class TimeMap:
    """Straight lines between points; before the first and behind the last, the clip stands still.

    Attributes:
        points: frame of the result, counted as the map counts them, and frame of the clip; in order, at least two.
    """

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of_speeds(cls, keys: Sequence[tuple[float, float]]) -> TimeMap:
        """Return that of speeds at frames, straight lines between them: the frame of the clip is their sum."""
        points, source = [(0.0, 0.0)], 0.0
        for (one, first), (two, last) in itertools.pairwise(
            [(0.0, keys[0][1]), *keys, (keys[-1][0] + 1e7, keys[-1][1])]
        ):
            steps = 1 if first == last else min(max(1, math.ceil(two - one)), MOST_EVENTS)
            for step in range(1, steps + 1):
                middle = first + (last - first) * (step - 0.5) / steps
                source += middle * (two - one) / steps
                points.append((one + (two - one) * step / steps, source))
        return cls(tuple(points))

    def at(self, frame: float) -> float:
        """Return the frame of the clip."""
        place = bisect_right(self.points, frame, key=lambda point: point[0])
        if place in (0, len(self.points)):
            return self.points[min(place, len(self.points) - 1)][1]
        (left, low), (right, high) = self.points[place - 1 : place + 1]
        return low + (high - low) * (frame - left) / (right - left)

    def pieces(self, clip: str, begin: float, at: float, length: float) -> list[Piece]:
        """Return the pieces, each of one speed, of `length` frames of the map from `begin` on, put at frame `at`."""
        ends = (at, at + length)
        knots = [at + frame - begin for frame, _ in self.points]
        cuts = sorted({round(knot) for knot in (*ends, *(k for k in knots if ends[0] < k < ends[1]))})
        found: list[Piece] = []
        for one, two in itertools.pairwise(cuts):
            first, last = (self.at(frame - at + begin) for frame in (one, two))
            found.append(Piece(clip, first, one, two, (last - first) / (two - one), goes_on=bool(found)))
        return found
