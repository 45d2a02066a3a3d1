"""The frames of a film one after the other: motion from frame to frame, cuts, frames that stand still, and flicker.

What is made of a frame is the business of a `FrameMaker`: it makes the first frame of a scene from that frame alone,
and every later one from what it made before, moved along.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reverie.media.flow import Motion, flicker, is_cut
from reverie.tools.films.motion_estimate import Estimator


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame and what was made of it.

    Attributes:
        source: ``[H, W, 3]`` uint8.
        dream: ``[H, W, 3]`` uint8.
        strength: ``[H, W]`` uint8, how complete it is; 255 where it had all its steps.
    """

    source: np.ndarray
    dream: np.ndarray
    strength: np.ndarray


@dataclass(frozen=True, eq=False)
class VideoStep:
    """One finished frame.

    Attributes:
        index: its number, from 0.
        dream: ``[H, W, 3]`` uint8.
        strength: ``[H, W]`` uint8, how complete it is, 255 where it had all its steps.
        score: value of the objective before the last step; None if no step was made.
        flicker: how much the result changed beyond motion, warped RMS of 255; None at the start and at cuts.
        source_flicker: the same of the source, from its noise and from errors of the flow.
        seen: share of the frame that was visible in the one before.
        cut: whether a new scene begins.
        held: whether the source is the same as before, and so is the result.
        seconds: duration of the work on it.
    """

    index: int
    dream: np.ndarray
    strength: np.ndarray
    score: float | None
    flicker: float | None
    source_flicker: float | None
    seen: float
    cut: bool
    held: bool
    seconds: float


class FrameMaker(Protocol):
    """Makes the frames of a film.

    Attributes:
        frames_back: how many frames it looks back, at least one.
        keyed: whether frames of the same source may differ.
        carries: whether anything is taken over from the frame before.
    """

    @property
    def frames_back(self) -> int: ...
    @property
    def keyed(self) -> bool: ...
    @property
    def carries(self) -> bool: ...

    def turn_to(self, index: int) -> None:
        """Take on the settings of a frame."""

    def fitted(self, frame: np.ndarray) -> np.ndarray:
        """Return a frame at its final size, ``[H, W, 3]`` uint8."""
        ...

    def fresh(self, source: np.ndarray) -> tuple[Shown, float | None]:
        """Make a frame as if it were a picture of its own; return it and its score."""
        ...

    def later(
        self, source: np.ndarray, history: Sequence[Shown], moved: Motion, index: int
    ) -> tuple[Shown, float | None]:
        """Make a frame from those before it in its scene, the last of which moved as given."""
        ...


def film_steps(
    frames: Iterator[np.ndarray], maker: FrameMaker, *, cuts: bool, estimate: Estimator, history: Sequence[Shown] = (),
    first: int = 0,
) -> Iterator[VideoStep]:  # fmt: skip
    """Make frames one by one and yield each when it is done; memory does not grow with their number.

    Args:
        frames: ``[H, W, 3]`` uint8, from number `first` on.
        maker: who makes them.
        cuts: whether to begin anew where the scene changes.
        estimate: of the motion between frames; see `open_estimator`.
        history: the frames of this scene before number `first`, at their final size, to go on with.
        first: number of the first frame given.
    """
    scene = deque(history, maxlen=maker.frames_back)
    for index, frame in enumerate(frames, start=first):
        began = time.perf_counter()
        maker.turn_to(index)
        source = maker.fitted(frame)
        previous = scene[-1] if scene else None
        moved = None if previous is None else estimate(source, previous.source)
        held, cut, score, flickers = False, False, None, (None, None)
        if previous is None or moved is None:
            shown, score = maker.fresh(source)
        else:
            held = not maker.keyed and np.array_equal(source, previous.source)
            cut = cuts and not held and is_cut(source, previous.source, moved)
            if held:
                shown = previous
            elif cut or not maker.carries:
                shown, score = maker.fresh(source)
            else:
                shown, score = maker.later(source, scene, moved, index)
            if not cut:
                flickers = flicker(shown.dream, previous.dream, moved), flicker(source, previous.source, moved)
        if cut:
            scene.clear()
        scene.append(shown)
        seen, spent_s = 0.0 if moved is None else float(moved.seen.mean()), time.perf_counter() - began
        yield VideoStep(index, shown.dream, shown.strength, score, *flickers, seen, cut, held, spent_s)
