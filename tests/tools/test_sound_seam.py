"""Where a looped sound begins anew, its spectrum changes no more than elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.tools.sound.config import SoundSettings
from reverie.tools.sound.motion import FilmMotion
from reverie.tools.sound.synthesis import synthesize

WINDOW = 2048


def motion(count: int, turned: float) -> FilmMotion:
    u = np.arange(count) / count

    def wave(times: int, shift: float) -> np.ndarray:
        return 0.5 + 0.5 * np.sin(2 * np.pi * (times * u + shift + turned))

    return FilmMotion(25.0, wave(2, 0.1), wave(3, 0.4), wave(1, 0.0), wave(1, 0.6), wave(2, 0.3), u, wave(1, 0.2),
                      np.zeros(0, int), closes=True)  # fmt: skip


@pytest.mark.parametrize(("seed", "turned"), [(0, 0.0), (1, 0.37)])
def test_the_spectral_step_across_the_seam_is_below_the_median_of_the_others(seed: int, turned: float) -> None:
    sound = synthesize(motion(150, turned), SoundSettings(seed=seed), closed=True).mean(1)
    ring, window = np.concatenate([sound, sound[: 2 * WINDOW]]), np.hanning(WINDOW)

    def step(at: int) -> float:
        one, two = (np.abs(np.fft.rfft(ring[s : s + WINDOW] * window)) for s in (at, at + WINDOW))
        return float(np.abs(np.log1p(100 * one) - np.log1p(100 * two)).mean())

    others = [step(at) for at in range(0, len(sound), WINDOW)]
    assert step(len(sound) - WINDOW) <= np.median(others)
