"""Sound in and out: round trips, and a sound laid under a film is heard at its time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from reverie.errors import InputError
from reverie.media.audio import RATE_HZ, flac_bytes, lay_under, read_audio, wav_bytes
from reverie.media.footage import open_footage
from reverie.media.video_write import VideoWriter


def clicks(seconds: float, at: list[float]) -> np.ndarray:
    out = np.zeros((round(seconds * RATE_HZ), 2), np.float32)
    for time_s in at:
        begin = round(time_s * RATE_HZ)
        out[begin : begin + 480] = 0.8 * np.sin(2 * np.pi * 1000 * np.arange(480) / RATE_HZ)[:, None]
    return out


def test_wav_and_flac_come_back(tmp_path):
    sound = clicks(0.5, [0.1, 0.3])
    for name, blob in (("a.wav", wav_bytes(sound)), ("a.flac", flac_bytes(sound))):
        (tmp_path / name).write_bytes(blob)
        back = read_audio(tmp_path / name)
        assert back.shape == sound.shape
        assert np.abs(back - sound).max() < 1e-4
    assert read_audio(tmp_path / "a.wav", 24_000, channels=1).shape == (12_000, 1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_a_sound_under_a_film_is_in_time(tmp_path, suffix):
    film = tmp_path / f"film{suffix}"
    codec = "libx264" if suffix != ".webm" else "libvpx-vp9"
    with VideoWriter(film, (32, 32), Fraction(25), codec=codec, preset="veryfast") as writer:
        for number in range(50):
            writer.write(np.full((32, 32, 3), number * 5, np.uint8))
    times = [0.2, 0.9, 1.6]
    target = tmp_path / f"sound{suffix}"
    lay_under(film, clicks(2.0, times), target, {"tool": "sound film"})
    footage = open_footage(target)
    assert footage.frames == 50 and footage.audio
    heard = np.abs(read_audio(target)[:, 0])
    for time_s in times:
        begin = round((time_s - 0.1) * RATE_HZ)
        first = begin + int(np.argmax(heard[begin:] > 0.2))
        assert abs(first / RATE_HZ - time_s) < 0.02


def test_what_has_no_sound_is_one_line(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"no sound")
    with pytest.raises(InputError, match="no sound that can be read"):
        read_audio(tmp_path / "x.wav")
    with pytest.raises(InputError, match="no sound at"):
        read_audio(tmp_path / "y.wav")
