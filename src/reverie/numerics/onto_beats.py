"""Which beats of a song the keys of a journey come on."""

from __future__ import annotations

from collections.abc import Sequence

SOONEST_S = 0.05  # from which on a beat is not the beginning itself


def onto_beats(starts_s: Sequence[float], beats_s: Sequence[float], step_s: float) -> list[float]:
    """Return when each key begins, and the end: the first at 0, each other one on a beat of its own near its time.

    Args:
        starts_s: when they began, and the end.
        beats_s: the beats; at least as many as there are keys.
        step_s: the least time of the last key.
    """
    count = len(starts_s) - 1
    at = [0.0, *(_nearest(beats_s, starts_s[1:], n) for n in range(count - 1))]
    closest = min(beats_s, key=lambda beat: abs(beat - starts_s[-1]))
    return [*at, max(at[-1] + step_s, closest)]


def _nearest(beats: Sequence[float], wanted: Sequence[float], number: int) -> float:
    """Return the beat of key number + 1: the nearest to where it stood of those that leave one for each other key."""
    taken = -1
    for key in range(number + 1):
        free = range(taken + 1, len(beats) - (len(wanted) - 1 - key) + 1)
        usable = [n for n in free if n < len(beats) and beats[n] > SOONEST_S] or [min(taken + 1, len(beats) - 1)]
        taken = min(usable, key=lambda n: abs(beats[n] - wanted[key]))
    return beats[taken]
