"""Loudness against the values that the recommendation gives, and onsets, beats, bands of sounds that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reverie.numerics.loudness import at_loudness, loudness_lufs
from reverie.numerics.sound_features import sound_features

RATE = 48_000


def tone(hz: float, seconds: float, level: float = 1.0) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)


def test_a_full_sine_of_997_hz_in_one_channel_has_minus_3_01_lufs():
    one = np.stack([tone(997, 3), np.zeros(3 * RATE)], 1)
    assert loudness_lufs(one, RATE) == pytest.approx(-3.01, abs=0.02)
    assert loudness_lufs(one * 0.1, RATE) == pytest.approx(-23.01, abs=0.02)


def test_gates_leave_silence_out_and_silence_has_no_loudness():
    sound = np.stack([tone(997, 2, 0.1)] * 2, 1)
    padded = np.concatenate([sound, np.zeros((4 * RATE, 2))])
    assert loudness_lufs(padded, RATE) == pytest.approx(loudness_lufs(sound, RATE), abs=0.5)
    assert loudness_lufs(np.zeros((RATE, 2)), RATE) == -math.inf


def test_a_sound_is_brought_to_its_loudness_below_the_peak():
    random = np.random.default_rng(0)
    peaky = random.standard_normal((2 * RATE, 2)) * np.where(np.arange(2 * RATE) % 9000 < 200, 1.0, 0.02)[:, None]
    found = at_loudness(peaky, RATE, -16.0)
    assert loudness_lufs(found, RATE) == pytest.approx(-16, abs=0.3)
    assert np.abs(found).max() <= 0.89


def test_kicks_at_120_beats_a_minute_are_found():
    rate, seconds = 22_050, 10
    t = np.arange(seconds * rate) / rate
    sound = np.zeros_like(t)
    beats = np.arange(0.5, seconds, 0.5)
    for beat in beats:
        since = np.maximum(t - beat, 0)
        sound += (t >= beat) * np.exp(-since * 18) * np.sin(2 * np.pi * 60 * since)
    found = sound_features(sound.astype(np.float32), rate)
    assert found.tempo == pytest.approx(120, abs=1)
    assert np.abs(found.onsets_s[:, None] - beats).min(1).max() < 0.03
    assert np.median(np.abs(found.beats_s[2:-2, None] - beats).min(1)) < 0.03
    assert found.at("bass", 1.03) > 0.8 > found.at("bass", 1.45)
    assert found.at("beat", 2.02) > 0.8


def test_a_long_sound_in_pieces_is_as_one_whole(monkeypatch):
    import reverie.numerics.sound_features as module

    sound = np.random.default_rng(1).standard_normal(22_050).astype(np.float32)
    whole = sound_features(sound, 22_050)
    monkeypatch.setattr(module, "AT_ONCE", 17)
    pieces = sound_features(sound, 22_050)
    assert np.allclose(whole.onset, pieces.onset, atol=1e-5)
    assert np.allclose(whole.bands["high"], pieces.bands["high"], atol=1e-5)
