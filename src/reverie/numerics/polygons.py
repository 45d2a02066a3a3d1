"""Polygons cut into triangles: from one corner where that works, by cutting off ears where they are dented."""

from __future__ import annotations

import numpy as np

MOST_DENTED = 1000  # corners: cutting ears takes time with the square of their number


def cut(lengths: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``[F, 3]`` rows of `places`, and ``[F]`` which polygon each triangle is of.

    Args:
        lengths: ``[P]`` number of corners of each polygon; of fewer than three, nothing is made.
        places: ``[sum(lengths), 3]`` of all corners, polygon by polygon.

    Source: Meisters 1975, "Polygons have ears".
    """
    start = np.cumsum(lengths) - lengths
    count = (lengths - 2).clip(0)
    polygon = np.repeat(np.arange(len(lengths)), count)
    step = np.arange(len(polygon)) - np.repeat(np.cumsum(count) - count, count)
    first = start[polygon]
    triangles = np.stack([first, first + step + 1, first + step + 2], 1)
    for number in _dented(polygon, triangles, places, lengths):
        own = slice(int(start[number]), int(start[number] + lengths[number]))
        triangles[polygon == number] = start[number] + _ears(places[own])
    return triangles, polygon


def _dented(polygon: np.ndarray, triangles: np.ndarray, places: np.ndarray, lengths: np.ndarray) -> list[int]:
    """Return the polygons whose triangles from one corner do not all face the same way."""
    if len(triangles) == len(lengths):  # triangles only
        return []
    with np.errstate(over="ignore", invalid="ignore"):
        a, b, c = (places[triangles[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        whole = np.stack([np.bincount(polygon, normal[:, i], len(lengths)) for i in range(3)], 1)
        wrong = (normal * whole[polygon]).sum(1) < 0
    found = np.unique(polygon[wrong])
    return found[lengths[found] <= MOST_DENTED].tolist()


def _ears(places: np.ndarray) -> np.ndarray:
    """Return ``[N - 2, 3]`` triangles of one polygon, seen along its mean normal."""
    flat = _flat(places)
    left, found = list(range(len(places))), []
    while len(left) > 3:
        ear = next((i for i in range(len(left)) if _is_ear(flat, left, i)), 0)  # 0: it crosses itself
        found.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
    return np.array([*found, tuple(left)], np.int64)


def _flat(places: np.ndarray) -> np.ndarray:
    """Return ``[N, 2]`` in the plane of the polygon, counterclockwise.

    Source: Newell's normal, in Sutherland, Sproull, Schumacker 1974.
    """
    following = np.roll(places, -1, 0)
    normal = np.cross(places, following).sum(0)
    normal = normal / (np.linalg.norm(normal) or 1)
    side = np.cross(normal, np.eye(3)[np.abs(normal).argmin()])
    side = side / (np.linalg.norm(side) or 1)
    return np.stack([places @ side, places @ np.cross(normal, side)], 1)


def _is_ear(flat: np.ndarray, left: list[int], i: int) -> bool:
    """Tell whether a corner sticks out and no other corner lies in the triangle that it makes with its neighbors."""
    before, here, after = left[i - 1], left[i], left[(i + 1) % len(left)]
    a, b, c = flat[before], flat[here], flat[after]
    if _side(a, b, c) <= 0:
        return False
    others = flat[[k for k in left if k not in (before, here, after)]]
    inside = (_side(a, b, others) >= 0) & (_side(b, c, others) >= 0) & (_side(c, a, others) >= 0)
    return not inside.any()


def _side(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return twice the area of the triangle, positive if `p` lies left of the line."""
    return (b[0] - a[0]) * (p[..., 1] - a[1]) - (b[1] - a[1]) * (p[..., 0] - a[0])
