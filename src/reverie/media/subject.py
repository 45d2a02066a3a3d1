"""Where the subject of a picture is: by its transparency, or by what differs from the border."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from reverie.errors import PictureError
from reverie.media.image import Picture

BORDER = 0.03  # of the shorter side: what is taken for background
LEAST_DIFFERENCE = 0.06  # of color, below which nothing stands out
LEAST_PART = 0.1  # of the largest part: smaller ones are specks
LEAST_HOLE = 1e-4  # of the picture: smaller ones are filled
LEAST_AREA, MOST_AREA = 0.002, 0.98  # of the picture


def subject_mask(picture: Picture) -> np.ndarray:
    """Return ``[H, W]`` float32 in [0, 1], 1 on the subject.

    With transparency, that is the opacity. Else the background is what looks like the border of the picture: colors are
    compared with the border's by their distance to the nearest of its clusters, split by Otsu's threshold (1979);
    small specks go, holes of few pixels are filled.

    Raises:
        PictureError: nothing stands out, or everything does.
    """
    if picture.alpha is not None and picture.alpha.min() < 0.5 < picture.alpha.max():
        return picture.alpha.astype(np.float32)
    distance = _distance(picture.rgb)
    threshold = _otsu(distance)
    if threshold < LEAST_DIFFERENCE:
        raise PictureError(_message(picture.name))
    found = _cleaned(distance > threshold)
    if not LEAST_AREA < found.mean() < MOST_AREA:
        raise PictureError(_message(picture.name))
    return found.astype(np.float32)


def _message(name: str) -> str:
    return (
        f"no subject stands out from the background of '{name}'; give a picture with transparency, "
        "or one on a plain background"
    )


def _distance(rgb: np.ndarray) -> np.ndarray:
    """Return how far each pixel's color is from the nearest of a few colors of the border."""
    width = max(1, round(BORDER * min(rgb.shape[:2])))
    edge = np.concatenate(
        [
            rgb[:width].reshape(-1, 3),
            rgb[-width:].reshape(-1, 3),
            rgb[:, :width].reshape(-1, 3),
            rgb[:, -width:].reshape(-1, 3),
        ]
    )
    order = edge[np.argsort(edge.sum(1), kind="stable")]
    centers = [np.median(part, axis=0) for part in np.array_split(order, 4)]
    smooth = ndimage.gaussian_filter(rgb, (1, 1, 0))
    return np.min([np.linalg.norm(smooth - center, axis=2) for center in centers], axis=0)


def _otsu(values: np.ndarray) -> float:
    """Return the threshold that parts values into the two most distinct groups. Source: Otsu 1979."""
    counts, edges = np.histogram(values, 256)
    middle = (edges[1:] + edges[:-1]) / 2
    below, above = counts.cumsum(), counts[::-1].cumsum()[::-1]
    mean_below = (counts * middle).cumsum() / np.maximum(below, 1)
    mean_above = ((counts * middle)[::-1].cumsum() / np.maximum(above[::-1], 1))[::-1]
    between = below[:-1] * above[1:] * np.square(mean_below[:-1] - mean_above[1:])
    return float(middle[int(np.argmax(between))])


def _cleaned(mask: np.ndarray) -> np.ndarray:
    mask = ndimage.binary_opening(mask, iterations=1)
    labels, areas = _parts(mask)
    if not len(areas):
        return mask
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= LEAST_PART * areas.max()))
    holes, areas = _parts(~kept)
    return kept | np.isin(holes, 1 + np.flatnonzero(areas < LEAST_HOLE * mask.size))


def _parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of the connected part that each pixel belongs to, from 1, and the area of each part."""
    labels: np.ndarray = ndimage.label(mask)[0]  # type: ignore[index]
    return labels, np.bincount(labels.ravel())[1:]
