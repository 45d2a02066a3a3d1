"""What a song drives: bands, onsets and beats as numbers between two ends, at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reverie.errors import InputError, unknown_name
from reverie.media.audio import read_audio
from reverie.numerics.sound_features import NAMES, SoundFeatures, sound_features

RATE_HZ = 22_050
RELEASE_S = 0.25  # in which a band falls to a third, so that pictures do not tremble


@dataclass(frozen=True)
class Link:
    """One band that drives one parameter from `low` to `high`."""

    band: str
    parameter: str
    low: float
    high: float


def parse_link(text: str) -> Link:
    """Return the link of BAND=PARAMETER:FROM:TO; without ends from 0 to 1.

    Raises:
        InputError: another form, or no such band.
    """
    band, equals, rest = text.partition("=")
    parameter, *ends = rest.split(":")
    if band.strip() not in NAMES:
        raise InputError(unknown_name("band", band.strip()[:40], NAMES))
    try:
        low, high = (float(end) for end in ends) if ends else (0.0, 1.0)
    except ValueError as error:
        raise InputError(f"expected BAND=PARAMETER:FROM:TO, such as bass=zoom:1:1.05; got '{text[:60]}'") from error
    if not equals or not parameter.strip() or not np.isfinite([low, high]).all():
        raise InputError(f"expected BAND=PARAMETER:FROM:TO, such as bass=zoom:1:1.05; got '{text[:60]}'")
    return Link(band.strip(), parameter.strip(), low, high)


def seconds_of(song: Path) -> float:
    """Return how long a song is.

    Raises:
        InputError: it cannot be read.
    """
    return round(len(read_audio(song, RATE_HZ, channels=1)) / RATE_HZ, 3)


class Drive:
    """A song and what it drives.

    Args:
        song: a sound file, or a film with sound.
        links: texts, see `parse_link`.
        seconds: only so much of it.
    """

    def __init__(self, song: Path, links: Sequence[str], seconds: float | None = None) -> None:
        samples = read_audio(song, RATE_HZ, channels=1)[:, 0]
        if seconds is not None:
            samples = samples[: max(1, round(seconds * RATE_HZ))]
        self.seconds = len(samples) / RATE_HZ
        self.features: SoundFeatures = sound_features(samples, RATE_HZ)
        self.links = [parse_link(text) for text in links]
        self._held = {name: _released(values, self.features.step_s) for name, values in
                      (*self.features.bands.items(), ("onset", self.features.onset))}  # fmt: skip

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of all that is driven."""
        return tuple(dict.fromkeys(link.parameter for link in self.links))

    def at(self, time_s: float) -> dict[str, float]:
        """Return all driven parameters at a time; what several bands drive is added up."""
        found: dict[str, float] = {}
        for link in self.links:
            level = self._level(link.band, time_s)
            found[link.parameter] = found.get(link.parameter, 0.0) + link.low + (link.high - link.low) * level
        return found

    def passed(self, parameter: str, times_s: np.ndarray) -> np.ndarray:
        """Return the integral of a parameter up to each of some times: how far a driven speed has come."""
        fine = np.arange(0, float(times_s.max()) + self.features.step_s, self.features.step_s)
        values = np.array([self.at(float(t))[parameter] for t in fine])
        way = np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * self.features.step_s)])
        return np.interp(times_s, fine, way)

    def _level(self, band: str, time_s: float) -> float:
        if band == "beat":
            return self.features.at("beat", time_s)
        values = self._held[band]
        return float(np.interp(time_s / self.features.step_s, np.arange(len(values)), values))


def _released(values: np.ndarray, step_s: float) -> np.ndarray:
    """Return values that rise at once and fall slowly."""
    keep = float(np.exp(-step_s / RELEASE_S))
    out, now = np.empty_like(values), 0.0
    for number, value in enumerate(values):
        now = max(float(value), now * keep)
        out[number] = now
    return out
