"""Which frames of a film are worth learning from: not those that repeat, fade from scene to scene, or show nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

THUMBNAIL_PX = 16
DUPLICATE = 0.02  # root mean square difference of thumbnails, of the range, below which a frame repeats a kept one
NOTHING = 0.01  # standard deviation, of the range, below which a frame shows nothing
AROUND = 4  # frames before and behind, between which a fade is looked for
CHANGE = 0.1  # difference between those two that is another scene, or nearly
MIXED = 0.25  # of that difference: what a frame may differ from a mixture of the two and still be one


@dataclass
class Left:
    """How many frames were left out, and why."""

    repeated: int = 0
    fading: int = 0
    empty: int = 0

    def line(self, kept: int) -> str:
        """Return it for the user; empty where nothing was left out."""
        parts = [(self.repeated, "repeat others"), (self.fading, "fade between scenes"), (self.empty, "show nothing")]
        words = ", ".join(f"{count} {what}" for count, what in parts if count)
        seen = kept + self.repeated + self.fading + self.empty
        return f"{kept} of {seen} frames are learned from: {words}" if words else ""


def chosen_frames(squares: Iterable[Tensor], left: Left) -> Iterator[Tensor]:
    """Yield the frames ``[3, S, S]`` uint8 that are worth learning from; what is left out is counted in `left`."""
    known = torch.empty(0, 3 * THUMBNAIL_PX**2)
    count = 0
    for square, small, before, behind in _with_neighbors(squares):
        if small.std() < NOTHING:
            left.empty += 1
        elif _is_mixed(small, before, behind):
            left.fading += 1
        elif count and _distance(known[:count], small) < DUPLICATE:
            left.repeated += 1
        else:
            if count == len(known):  # twice the room each time
                known = torch.cat([known, known.new_empty(max(64, count), known.shape[1])])
            known[count] = small
            count += 1
            yield square


def _with_neighbors(squares: Iterable[Tensor]) -> Iterator[tuple[Tensor, Tensor, Tensor | None, Tensor | None]]:
    """Yield frames with their thumbnails and those of the frames `AROUND` before and behind, None at the ends."""
    window: deque[tuple[Tensor, Tensor]] = deque(maxlen=2 * AROUND + 1)
    waiting = 0  # frames at the end of the window that were not yielded
    for square in squares:
        window.append((square, _thumbnail(square)))
        waiting += 1
        if waiting > AROUND:
            at = len(window) - waiting
            yield *window[at], window[at - AROUND][1] if at >= AROUND else None, window[-1][1]
            waiting -= 1
    while waiting:
        at = len(window) - waiting
        yield *window[at], window[at - AROUND][1] if at >= AROUND else None, None
        waiting -= 1


def _thumbnail(square: Tensor) -> Tensor:
    return F.adaptive_avg_pool2d(square[None].float() / 255, THUMBNAIL_PX).flatten()


def _distance(known: Tensor, small: Tensor) -> float:
    """Return the least root mean square difference."""
    squares = known.square().sum(1) - 2 * known @ small + small.square().sum()
    return float(squares.min().clamp(min=0).div(small.numel()).sqrt())


def _is_mixed(small: Tensor, before: Tensor | None, behind: Tensor | None) -> bool:
    """Tell whether a frame is, but for a little, (1 - a) before + a behind with a in the middle."""
    if before is None or behind is None:
        return False
    way = behind - before
    length = way.square().mean().sqrt()
    if length < CHANGE:
        return False
    a = float((small - before) @ way / way.square().sum())
    distance = (small - before - a * way).square().mean().sqrt()
    return 0.15 < a < 0.85 and bool(distance < MIXED * length)
