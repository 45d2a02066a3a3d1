"""Motion between two frames: dense optical flow, warping by it, where it cannot be believed, and scene cuts.

Flow here is *backward*: for every pixel of the current frame, where it was in the previous one, in pixels, as
``[H, W, 2]`` float32 (right, down). Warping the previous frame by it needs no holes to be filled.
Source: DIS flow, Kroeger et al. 2016, arXiv 1603.03590; the consistency check, Sundaram, Brox, Keutzer 2010, as
used for video by Ruder, Dosovitskiy, Brox 2016, arXiv 1604.08610, section 3.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np

RELATIVE, ABSOLUTE = 0.01, 0.5  # how far forward and backward flow may disagree: share of their squares, px squared
JUMP_RELATIVE, JUMP_ABSOLUTE = 0.01, 0.002  # how much the flow may change from pixel to pixel, in the same way
CUT_PX, CUT_BLUR_PX = 128, 8.0  # frames are compared at this size, without what is wider than the blur
# Measured: cuts between photographs have seen below 0.13, and between textures below 0.3, likeness below 0.2 in place
# and 0.65 warped. Pans and zooms have seen above 0.7; flashes, dimming to a fifth and noise of 60/255 keep likeness in
# place above 0.5. A pan by a third of the picture may count as a cut: there is hardly anything to carry over.
CUT_SEEN, CUT_SIMILAR, CUT_WARPED = 0.5, 0.4, 0.7
FLAT = 1.0  # standard deviation, of 255, below which a frame shows nothing
SOFT_PX = 1.5
SMALLEST_PX = 32  # below it there is nothing for the flow's pyramid to hold on to
_THREADS = threading.Lock()


@dataclass(frozen=True)
class Motion:
    """Backward `flow` ``[H, W, 2]``, and `seen` ``[H, W]`` bool: where the pixel was visible in the frame before."""

    flow: np.ndarray
    seen: np.ndarray


def motion(current: np.ndarray, previous: np.ndarray) -> Motion:
    """Estimate the motion from one frame to the next, both ``[H, W, 3]`` uint8 sRGB."""
    now, before = _grey(current), _grey(previous)
    with _one_thread():
        back, forth = _dis(now, before), _dis(before, now)
    return Motion(back, consistent(back, forth))


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Bring the previous frame (or anything of its size, float32 or uint8) to the current one; edges repeat.

    Cubic, because linear interpolation blurs more with every frame that it is repeated.
    """
    x, y = _positions(flow)
    return cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def consistent(back: np.ndarray, forth: np.ndarray) -> np.ndarray:
    """Return where following the flow back and then forth leads home, within the picture, as ``[H, W]`` bool.

    The edges of moving things are left out as well: the estimate is smooth where the motion jumps.
    """
    x, y = _positions(back)
    home = cv2.remap(forth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    distance = ((back + home) ** 2).sum(-1)
    allowed = RELATIVE * ((back**2).sum(-1) + (home**2).sum(-1)) + ABSOLUTE
    height, width = back.shape[:2]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    jump = sum((np.gradient(back, axis=axis) ** 2).sum(-1) for axis in (0, 1))
    return inside & (distance < allowed) & (jump < JUMP_RELATIVE * (back**2).sum(-1) + JUMP_ABSOLUTE)


def softened(seen: np.ndarray) -> np.ndarray:
    """Return a mask without hard edges, ``[H, W]`` float32 in [0, 1]: zero where nothing is seen, one well inside."""
    inner = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), SOFT_PX)) * seen


def flicker(current: np.ndarray, previous: np.ndarray, moved: Motion) -> float:
    """Return how much two consecutive outputs differ where nothing but motion should: warped RMS, 0 to 255.

    Both ``[H, W, 3]`` uint8; taken over the pixels that were visible before; 0 if there are none.
    """
    if not moved.seen.any():
        return 0.0
    difference = current.astype(np.float32) - warp(previous.astype(np.float32), moved.flow).clip(0, 255)
    return float(np.sqrt(np.square(difference[moved.seen]).mean(dtype=np.float64)))


def is_cut(current: np.ndarray, previous: np.ndarray, moved: Motion) -> bool:
    """Return whether a new scene begins: motion explains little, and the frames agree neither in place nor warped.

    Brightness does not count, so that flashes and fades are no cuts; a picture after an empty frame is one.
    """
    now, before = _grey(current), _grey(previous)
    coarse, past = _outlines(now), _outlines(before)
    if min(coarse.std(), past.std()) < FLAT:
        return bool(max(coarse.std(), past.std()) >= FLAT)
    if moved.seen.mean() > CUT_SEEN or _similarity(coarse, past) > CUT_SIMILAR:
        return False
    return _similarity(coarse, _outlines(warp(before, moved.flow))) < CUT_WARPED


def _outlines(grey: np.ndarray) -> np.ndarray:
    """Return a small picture of what is bright and dark against its surroundings."""
    height, width = grey.shape
    share = min(1.0, CUT_PX / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return small - cv2.GaussianBlur(small, (0, 0), CUT_BLUR_PX)


def _similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of two pictures of mean zero, -1 to 1."""
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum() + 1e-9))


def _positions(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return where each pixel of `first` is in `second`."""
    height, width = first.shape
    if min(height, width) < SMALLEST_PX:
        return np.zeros((height, width, 2), np.float32)
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(solver.calc(first, second, None), np.float32)  # type: ignore[call-overload]


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: DIS works in as many stripes as there are threads, and each rounds its own way."""
    with _THREADS:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            cv2.setNumThreads(threads)
