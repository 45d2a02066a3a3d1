"""How loud a sound is to people, in LUFS, and bringing it to a loudness.

Source: ITU-R BS.1770-4, annex 1: K-weighting, blocks of 400 ms, gates at -70 LUFS and 10 LU below the mean.
"""

from __future__ import annotations

import math

import numpy as np

BLOCK_S, OVERLAP = 0.4, 4
ABSOLUTE_LUFS, RELATIVE_LU = -70.0, 10.0
OFFSET = -0.691
PEAK = 0.89  # -1 dBFS
KNEE = 0.7  # from here on louder samples are bent
ROUNDS = 4  # the bend takes loudness, which the next round gives back


def loudness_lufs(samples: np.ndarray, rate_hz: int) -> float:
    """Return the integrated loudness of ``[N, channels]``; -inf of silence."""
    from scipy.signal import lfilter

    weighted = samples.astype(np.float64)
    for b, a in _weighting(rate_hz):
        weighted = np.asarray(lfilter(b, a, weighted, axis=0))
    size = round(BLOCK_S * rate_hz)
    step = size // OVERLAP
    total = np.concatenate([[0.0], np.cumsum((weighted**2).sum(1))])
    starts = np.arange(0, max(1, len(samples) - size + 1), step)
    ends = np.minimum(starts + size, len(samples))
    energy = (total[ends] - total[starts]) / size
    with np.errstate(divide="ignore"):
        block = OFFSET + 10 * np.log10(energy)
        kept = energy[block > ABSOLUTE_LUFS]
        if not len(kept):
            return -math.inf
        gate = OFFSET + 10 * np.log10(kept.mean()) - RELATIVE_LU
        return float(OFFSET + 10 * np.log10(energy[(block > ABSOLUTE_LUFS) & (block > gate)].mean()))


def at_loudness(samples: np.ndarray, rate_hz: int, wanted_lufs: float) -> np.ndarray:
    """Return a sound at a loudness, its peaks bent to stay below -1 dBFS; silence stays silent."""
    for _ in range(ROUNDS):
        found = loudness_lufs(samples, rate_hz)
        if found == -math.inf:
            return samples
        samples = _bent(samples * 10 ** ((wanted_lufs - found) / 20))
    return samples


def _bent(samples: np.ndarray) -> np.ndarray:
    """Return samples whose part above the knee is bent smoothly to stay below the peak."""
    size = np.abs(samples)
    room = PEAK - KNEE
    over = KNEE + room * np.tanh(np.maximum(size - KNEE, 0) / room)
    return np.where(size > KNEE, np.sign(samples) * over, samples)


def _weighting(rate_hz: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return both filters of the K-weighting for a rate: a high shelf, then a high pass."""
    shelf, pass_ = (
        (1681.974450955533, 0.7071752369554196, 3.999843853973347),
        (38.13547087602444, 0.5003270373238773, None),
    )
    found = []
    for hz, q, gain_db in (shelf, pass_):
        k = math.tan(math.pi * hz / rate_hz)
        norm = 1 + k / q + k * k
        a = np.array([1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm])
        if gain_db is None:
            b = np.array([1.0, -2.0, 1.0])
        else:
            high = 10 ** (gain_db / 20)
            band = high**0.4996667741545416
            b = np.array([high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k]) / norm
        found.append((b, a))
    return found
