"""What a sound does over time: bands, onsets, beats, by one short-time Fourier transform."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

WINDOW_S, HOP_S = 0.0465, 0.0116  # 2048 and 512 samples at 44.1 kHz, as is usual for onsets
BANDS_HZ = {"bass": (20, 150), "low": (150, 500), "middle": (500, 2000), "high": (2000, 6000), "air": (6000, 16000)}
TOP_DB = 60.0  # below the loudest, where a band counts as silent
LEAST_GAP_S = 0.1  # two onsets are at least this long
AROUND_S = 0.75  # over which the usual strength of onsets is taken
ABOVE = 1.5  # times the usual strength that makes an onset
TEMPO = (60.0, 180.0)  # beats a minute that are looked for
TEMPO_USUAL, TEMPO_SPREAD = 110.0, 0.9  # of a log-normal preference, in octaves
TIGHT = 100.0  # how strictly beats keep the tempo
AT_ONCE = 20_000  # windows transformed in one call


@dataclass(frozen=True, eq=False)
class SoundFeatures:
    """What a sound does, every `step_s`.

    Attributes:
        step_s: seconds from one value to the next.
        bands: name → ``[N]`` in [0, 1], by decibels: 0 is 60 dB below the loudest, 1 the loudest.
        onset: ``[N]`` in [0, 1], how much begins.
        onsets_s: when something begins.
        beats_s: when a foot would tap; empty without a tempo.
        tempo: beats a minute; 0 without one.
    """

    step_s: float
    bands: dict[str, np.ndarray]
    onset: np.ndarray
    onsets_s: np.ndarray
    beats_s: np.ndarray
    tempo: float

    def at(self, name: str, time_s: float) -> float:
        """Return a band, "onset", or "beat" (1 at a beat, falling to 0 at the next) at a time."""
        if name == "beat":
            return self.pulse(self.beats_s, time_s)
        values = self.onset if name == "onset" else self.bands[name]
        return float(np.interp(time_s / self.step_s, np.arange(len(values)), values))

    def pulse(self, times_s: np.ndarray, time_s: float) -> float:
        """Return 1 at the latest of some moments, falling to 0 at the next one."""
        number = int(np.searchsorted(times_s, time_s, side="right"))
        if number == 0 or len(times_s) < 2:
            return 0.0
        before = times_s[number - 1]
        after = times_s[number] if number < len(times_s) else before + np.median(np.diff(times_s))
        return float(max(0.0, 1 - (time_s - before) / max(after - before, 1e-6)))


NAMES = (*BANDS_HZ, "level", "onset", "beat")


@torch.no_grad()
def sound_features(samples: np.ndarray, rate_hz: int) -> SoundFeatures:
    """Return what a sound ``[N]`` does.

    Onsets are peaks of the spectral flux, sum_k max(0, log(1 + c |X_t,k|) - log(1 + c |X_t-1,k|)), above their usual
    strength. Beats follow the onsets by dynamic programming at the tempo of their autocorrelation.
    Source: Boeck, Krebs, Schedl 2012, ISMIR, section 2 (flux); Ellis 2007, Beat tracking by dynamic programming.
    """
    size, hop = round(WINDOW_S * rate_hz), max(1, round(HOP_S * rate_hz))
    if len(samples) < size:
        samples = np.pad(samples, (0, size - len(samples)))
    sound = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    window, hz = torch.hann_window(size), torch.fft.rfftfreq(size, 1 / rate_hz)
    picks = {name: (hz >= low) & (hz < high) for name, (low, high) in BANDS_HZ.items()}
    energy: dict[str, list[torch.Tensor]] = {name: [] for name in (*BANDS_HZ, "level")}
    flux, last = [], None
    count = (len(sound) + hop - 1) // hop
    padded = torch.nn.functional.pad(sound, (size // 2, size))
    for begin in range(0, count, AT_ONCE):
        many = min(AT_ONCE, count - begin)
        piece = padded[begin * hop : begin * hop + (many - 1) * hop + size]
        spectrum = torch.stft(piece, size, hop, window=window, center=False, return_complex=True).abs()
        for name, pick in picks.items():
            energy[name].append(spectrum[pick].square().sum(0))
        energy["level"].append(spectrum.square().sum(0))
        logs = torch.log1p(100 * spectrum / size)
        rise = logs.diff(dim=1, prepend=logs[:, :1] if last is None else last)
        flux.append(rise.clamp_min(0).sum(0))
        last = logs[:, -1:]
    bands = {name: _decibels(torch.cat(parts).double().numpy()) for name, parts in energy.items()}
    onset = torch.cat(flux).double().numpy()
    step_s = hop / rate_hz
    strength = onset / max(float(np.percentile(onset, 99)), 1e-9)
    tempo = _tempo(strength, step_s)
    beats = _beats(strength, step_s, tempo) if tempo else np.zeros(0)
    return SoundFeatures(step_s, bands, strength.clip(0, 1), _peaks(strength, step_s) * step_s, beats * step_s, tempo)


def _decibels(energy: np.ndarray) -> np.ndarray:
    top = max(float(energy.max()), 1e-12)
    return (1 + 10 * np.log10(np.maximum(energy / top, 1e-12)) / TOP_DB).clip(0, 1)


def _peaks(strength: np.ndarray, step_s: float) -> np.ndarray:
    """Return the numbers of windows in which something begins."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d
    from scipy.signal import find_peaks

    usual = uniform_filter1d(strength, max(3, round(AROUND_S / step_s)))
    tops = (strength == maximum_filter1d(strength, 3)) & (strength > ABOVE * usual + 0.05)
    found, _ = find_peaks(np.where(tops, strength, 0.0), distance=max(1, round(LEAST_GAP_S / step_s)))
    return found.astype(float)


def _tempo(strength: np.ndarray, step_s: float) -> float:
    """Return beats a minute by autocorrelation, weighed by how usual a tempo is; 0 where nothing repeats."""
    centered = strength - strength.mean()
    if len(centered) * step_s < 3 or not centered.any():
        return 0.0
    size = 1 << (2 * len(centered) - 1).bit_length()
    spectrum = np.fft.rfft(centered, size)
    repeats = np.fft.irfft(np.abs(spectrum) ** 2, size)[: len(centered)]
    lags = np.arange(round(60 / TEMPO[1] / step_s), min(len(repeats) - 2, round(60 / TEMPO[0] / step_s)) + 1)
    if len(lags) < 3:
        return 0.0
    usual = np.exp(-0.5 * (np.log2(60 / (lags * step_s) / TEMPO_USUAL) / TEMPO_SPREAD) ** 2)
    scores = repeats[lags] * usual
    best = int(np.argmax(scores))
    if scores[best] < 0.05 * repeats[0]:
        return 0.0
    lag = float(lags[best])
    if 0 < best < len(lags) - 1:  # a parabola through the peak, between whole windows
        left, top, right = scores[best - 1 : best + 2]
        lag += 0.5 * (left - right) / (left - 2 * top + right)
    return 60 / (lag * step_s)


def _beats(strength: np.ndarray, step_s: float, tempo: float) -> np.ndarray:
    """Return the windows of the beats: the way through strong onsets whose steps keep the tempo best."""
    period = 60 / tempo / step_s
    low, high = max(1, round(period / 2)), round(period * 2)
    steps = np.arange(low, high + 1)
    cost = -TIGHT * np.log(steps / period) ** 2
    score, back = strength.copy(), np.full(len(strength), -1)
    for now in range(low, len(strength)):
        usable = steps[steps <= now]
        ways = score[now - usable] + cost[: len(usable)]
        best = int(np.argmax(ways))
        if ways[best] > 0:
            score[now] += ways[best]
            back[now] = now - usable[best]
    tail = max(0, len(strength) - round(period * 1.5))
    number = tail + int(np.argmax(score[tail:]))
    found = []
    while number >= 0:
        found.append(number)
        number = int(back[number])
    return np.array(found[::-1], float)
