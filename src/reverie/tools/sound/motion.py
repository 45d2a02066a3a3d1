"""What of a film is heard: how much moves, how the way bends, light, color and detail, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LOOK_PX = 48  # longer side at which frames are looked at
STRONG = 3.0  # times the usual change that makes an accent
QUANTILE = 95  # of a control, that counts as 1
LOOPS = 2.5  # the way from the last frame to the first may be so many usual steps long


@dataclass(frozen=True, eq=False)
class FilmMotion:
    """Controls for each frame, ``[frames]``, in [0, 1].

    Attributes:
        rate: frames a second.
        speed: how fast pictures, or their latents, change.
        bend: how much the way bends.
        light, color, detail: lightness, saturation, and fineness.
        hue: in turns.
        side: where it moves: 0 left, 1 right.
        accents: frames at which something happens at once.
        closes: whether the last frame leads to the first.
    """

    rate: float
    speed: np.ndarray
    bend: np.ndarray
    light: np.ndarray
    color: np.ndarray
    detail: np.ndarray
    hue: np.ndarray
    side: np.ndarray
    accents: np.ndarray
    closes: bool

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return len(self.speed) / self.rate


class Look:
    """Takes the frames of a film one by one."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._first: np.ndarray | None = None
        self._last: np.ndarray | None = None

    def add(self, frame: np.ndarray) -> None:
        """Take one more frame, ``[H, W, 3]`` uint8."""
        small = small_frame(frame)
        light = small.mean(-1)
        spread = small.max(-1) - small.min(-1)
        change = 0.0 if self._last is None else np.abs(small - self._last).mean(-1)
        moved = float(np.mean(change))
        x = np.linspace(0, 1, small.shape[1])
        side = float((np.sum(change, 0) * x).sum() / np.sum(change)) if moved > 1e-6 else 0.5
        fine = float(np.abs(np.diff(light, axis=0)).mean() + np.abs(np.diff(light, axis=1)).mean())
        a, b = (small[..., 0] - small[..., 1]).mean(), (small[..., 0] + small[..., 1] - 2 * small[..., 2]).mean()
        hue = float(np.arctan2(a * np.sqrt(3), b) / (2 * np.pi) % 1.0)
        self._rows.append((moved, float(light.mean()), float(spread.mean()), fine, hue, side))
        self._first = small if self._first is None else self._first
        self._last = small

    def motion(self, rate: float, ws: np.ndarray | None = None) -> FilmMotion:
        """Return the controls; with latents ``[frames, ...]`` their way is what speed and bend are of."""
        moved, light, color, fine, hue, side = np.array(self._rows, float).T
        assert self._first is not None
        assert self._last is not None
        home = float(np.abs(self._first - self._last).mean())
        if len(moved) > 1:
            moved[0] = home if home <= LOOPS * np.median(moved[1:]) + 1e-4 else moved[1]
        closes = len(moved) > 2 and home <= LOOPS * float(np.median(moved[1:])) + 1e-4 and float(moved[1:].max()) > 1e-4
        usual = np.median(moved) + 1e-4
        peak = moved > STRONG * usual
        peak[0] = False
        accents = np.flatnonzero(peak & ~np.roll(peak, 1))
        speed, bend = moved, np.abs(np.diff(moved, prepend=moved[:1]))
        if ws is not None and len(ws) == len(moved) and len(ws) > 2:
            speed, bend = path_speed(ws.reshape(len(ws), -1), closed=closes)
        return FilmMotion(
            rate, _scaled(speed), _scaled(bend), light.clip(0, 1), _scaled(color), _scaled(fine), hue, side, accents,
            closes,
        )  # fmt: skip


def path_speed(points: np.ndarray, *, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return speed |dx| and the angle between steps, in radians, for each point of a way ``[N, D]``."""
    before = np.roll(points, 1, 0)
    after = np.roll(points, -1, 0)
    if not closed:
        before[0], after[-1] = points[0] - (points[1] - points[0]), points[-1] + (points[-1] - points[-2])
    there, on = points - before, after - points
    lengths = np.linalg.norm(there, axis=1), np.linalg.norm(on, axis=1)
    cosine = (there * on).sum(1) / np.maximum(lengths[0] * lengths[1], 1e-12)
    return (lengths[0] + lengths[1]) / 2, np.arccos(cosine.clip(-1, 1))


def small_frame(frame: np.ndarray) -> np.ndarray:
    """Return a frame ``[H, W, 3]`` uint8 at about `LOOK_PX`, in [0, 1]."""
    step = max(1, max(frame.shape[:2]) // LOOK_PX)
    height, width = (side // step * step for side in frame.shape[:2])
    cut = frame[:height, :width, :3].reshape(height // step, step, width // step, step, 3)
    return cut.mean((1, 3), dtype=np.float32) / 255


def _scaled(values: np.ndarray) -> np.ndarray:
    top = float(np.percentile(values, QUANTILE))
    return (values / top).clip(0, 1) if top > 1e-9 else np.zeros_like(values)
