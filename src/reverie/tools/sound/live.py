"""Sound of a show while it runs: the long tones, notes and grains of `reverie sound`, block by block, without an end.

Phases of the long tones go on from block to block; notes and grains ring into a circle of some seconds that is read
out behind them. There is no room and no measured loudness, which both would need what is to come.
"""

from __future__ import annotations

import threading

import numpy as np

from reverie.tools.sound.config import SCALES, SoundSettings
from reverie.tools.sound.motion import small_frame
from reverie.tools.sound.synthesis import (
    CHORD,
    GRAIN_S,
    HARMONICS,
    RATE_HZ,
    STEPS_PER_BEAT,
    Note,
    grain,
    place_on,
    ring,
    tone_hz,
)

CIRCLE_S = 8.0
FADE = 0.97  # of the fastest change so far, from frame to frame: what counts as fast follows the show
LOUD = 0.5  # of full scale, where everything sounds at once
BLOCK = 1024  # samples of one turn of the device, 21 ms
NAMES = ("light", "color", "speed", "side")


class LiveSound:
    """Makes sound of the frames that it sees; frames and blocks may come from two threads.

    Args:
        how: scale, key, tempo, and how loud each voice is.
    """

    def __init__(self, how: SoundSettings) -> None:
        self.how, self._random = how, np.random.default_rng(how.seed)
        self._wanted = dict.fromkeys(NAMES, 0.0) | {"light": 0.4, "side": 0.5}
        self._now, self._last, self._fastest = dict(self._wanted), None, 1e-4
        self._circle = np.zeros((round(CIRCLE_S * RATE_HZ), 2), np.float32)
        self._at, self._step = 0, 0
        self._lock = threading.Lock()
        base = [tone_hz(degree + (len(SCALES[how.scale]) if n else 0), how) for n, degree in enumerate(CHORD)]
        detune = 1 + self._random.uniform(-0.0025, 0.0025, (len(CHORD), 2))
        self._hz = np.array(base)[:, None] * detune  # of each tone of the chord, left and right
        self._phase = self._random.random((len(CHORD), 2, HARMONICS))

    def see(self, frame: np.ndarray) -> None:
        """Take the newest frame, ``[H, W, 3]`` uint8."""
        small = small_frame(frame)
        change = np.zeros(small.shape[:2]) if self._last is None or self._last.shape != small.shape else np.abs(
            small - self._last).mean(-1)  # fmt: skip
        moved = float(change.mean())
        self._fastest = max(self._fastest * FADE, moved, 1e-4)
        x = np.linspace(0, 1, small.shape[1])
        side = float((change.sum(0) * x).sum() / change.sum()) if moved > 1e-6 else 0.5
        spread = float((small.max(-1) - small.min(-1)).mean())
        with self._lock:
            self._wanted = {"light": float(small.mean()), "color": min(1.0, 2 * spread),
                            "speed": min(1.0, moved / self._fastest), "side": side}  # fmt: skip
        self._last = small

    def block(self, count: int = BLOCK) -> np.ndarray:
        """Return the next samples ``[count, 2]`` float32 in [-1, 1], at 48 kHz."""
        with self._lock:
            before, wanted = self._now, self._wanted
        far = 1 - np.exp(-count / RATE_HZ / 0.25)  # a quarter of a second to follow
        self._now = {name: before[name] + far * (wanted[name] - before[name]) for name in NAMES}
        out = np.zeros((count, 2))
        self._tones(out, before, self._now)
        self._begin(count)
        places = (self._at + np.arange(count)) % len(self._circle)
        out += self._circle[places]
        self._circle[places] = 0
        self._at += count
        return np.tanh(LOUD * out * 3).astype(np.float32) / np.float32(np.tanh(3.0))

    def _tones(self, out: np.ndarray, before: dict[str, float], now: dict[str, float]) -> None:
        count = len(out)
        t = np.arange(count) / RATE_HZ
        bright, color, speed = (np.linspace(before[n], now[n], count) for n in ("light", "color", "speed"))
        for number in range(len(CHORD)):
            level = 1.0 if number == 0 else 0.35 + 0.45 * color if number in (1, 3) else 0.5
            for side in (0, 1):
                hz = self._hz[number, side] * np.arange(1, HARMONICS + 1)
                turns = self._phase[number, side] + t[:, None] * hz
                self._phase[number, side] = (self._phase[number, side] + count / RATE_HZ * hz) % 1
                fall = (0.25 + 0.6 * bright)[:, None] ** np.arange(HARMONICS) / np.arange(1, HARMONICS + 1)
                wave = (np.sin(2 * np.pi * turns) * fall).sum(1)
                out[:, side] += 0.08 * self.how.drone * level * (0.6 + 0.4 * speed) * wave

    def _begin(self, count: int) -> None:
        """Let the notes and grains of these samples begin."""
        step = round(60 / self.how.tempo / STEPS_PER_BEAT * RATE_HZ)
        while self._step * step < self._at + count:
            strong = (1.0, 0.45, 0.75, 0.45)[self._step % 4]
            if self._random.random() < self.how.bells * strong * (0.15 + 0.6 * self._now["speed"]):
                self._note(self._step * step / RATE_HZ)
            self._step += 1
        many = self._random.poisson(self.how.grains * 14 * self._now["speed"] * count / RATE_HZ)
        for _ in range(int(many)):
            time_s = (self._at + self._random.random() * count) / RATE_HZ
            hz = tone_hz(int(self._random.integers(14, 26)), self.how)
            side = self._now["side"] + self._random.normal(0, 0.15)
            wave = grain(round(GRAIN_S * RATE_HZ), hz, self._now["color"], self._random)
            place_on(self._circle, wave * (0.035 * min(self.how.grains, 2.0)), time_s, side, closed=True)

    def _note(self, time_s: float) -> None:
        now = self._now
        hz = tone_hz(10 + round(8 * now["light"]) + int(self._random.integers(-2, 3)), self.how)
        note = Note(time_s, hz, 0.25 + 0.5 * now["speed"], 0.4 + 2.6 * now["color"], now["side"], 1.2)
        ring(self._circle, note, self.how.bells, closed=True)
