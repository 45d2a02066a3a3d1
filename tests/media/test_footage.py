"""Footage of one kind into another: the times of the frames survive within a tick."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clips import card, number_of, sound_of, write_clip
from reverie.errors import InputError
from reverie.media.animation import AnimationWriter, read_animation
from reverie.media.footage import Encoding, assemble, check_target, footage_frames, is_footage, open_footage
from reverie.media.video import frames, read_video

CARDS = [card(n) for n in range(24)]


def animation(path: Path, durations: tuple[int, ...], plays: int = 0) -> Path:
    with AnimationWriter(path, (64, 96), plays=plays) as writer:
        for number, duration in enumerate(durations):
            writer.write(CARDS[number], duration)
    return path


def test_what_moves_is_known_by_its_content_or_name(tmp_path: Path) -> None:
    Image.fromarray(CARDS[0]).save(tmp_path / "still.gif")
    assert is_footage(animation(tmp_path / "a.gif", (50, 50)))
    assert is_footage(tmp_path / "missing.mp4")  # so that the message is about a video
    assert not is_footage(tmp_path / "still.gif")
    assert not is_footage(tmp_path / "still.png")


def test_a_video_into_a_video_keeps_rate_and_sound(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", CARDS, Fraction(30000, 1001), sound="aac")
    footage = open_footage(source)
    for suffix in (".mp4", ".mkv"):
        target = tmp_path / f"b{suffix}"
        assert assemble(target, footage_frames(footage), footage, Encoding(crf=8)) == []
        info = read_video(target)
        assert (info.rate, info.frames, info.audio) == (Fraction(30000, 1001), 24, True)
        assert [number_of(f) for f in frames(target)] == list(range(24))
    silent = tmp_path / "c.mp4"
    assemble(silent, footage_frames(footage), footage, Encoding(audio=False))
    assert not read_video(silent).audio
    notes = assemble(tmp_path / "d.webm", footage_frames(footage), footage, Encoding())
    assert "encoded anew" in notes[0]
    assert sound_of(tmp_path / "d.webm")[0] == "opus"


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_video_into_an_animation_keeps_its_length(tmp_path: Path, suffix: str) -> None:
    footage = open_footage(write_clip(tmp_path / "a.mp4", CARDS, Fraction(24000, 1001)))
    target = tmp_path / f"b{suffix}"
    assert assemble(target, footage_frames(footage), footage, Encoding()) == []
    info = read_animation(target)
    assert info.frames == 24
    assert abs(sum(info.durations_ms) - 1001) <= 10  # 24 frames of 1001/24000 s, not 24 times 40 ms
    assert info.plays == 0


def test_a_gif_leaves_out_what_it_cannot_show(tmp_path: Path) -> None:
    footage = open_footage(write_clip(tmp_path / "a.mp4", CARDS, Fraction(100)))
    notes = assemble(tmp_path / "b.gif", footage_frames(footage), footage, Encoding())
    info = read_animation(tmp_path / "b.gif")
    assert "12 frames are left out" in notes[0]
    assert (info.frames, sum(info.durations_ms), min(info.durations_ms)) == (12, 240, 20)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_keeps_its_own_times_in_its_own_kind(tmp_path: Path, suffix: str) -> None:
    times = (40, 120, 70, 300)
    footage = open_footage(animation(tmp_path / f"a{suffix}", times, plays=2))
    target = tmp_path / f"b{suffix}"
    assemble(target, footage_frames(footage), footage, Encoding())
    info = read_animation(target)
    assert (info.durations_ms, info.plays) == (times, 2)


def test_an_animation_into_a_video_shows_every_frame_as_long(tmp_path: Path) -> None:
    footage = open_footage(animation(tmp_path / "a.gif", (40, 120, 80, 200)))
    assemble(tmp_path / "b.mp4", footage_frames(footage), footage, Encoding(crf=8))
    info = read_video(tmp_path / "b.mp4")
    shown = [number_of(f) for f in frames(tmp_path / "b.mp4")]
    assert info.rate == 25
    assert shown == [0] + [1] * 3 + [2] * 2 + [3] * 5


def test_odd_sizes_are_told(tmp_path: Path) -> None:
    footage = open_footage(write_clip(tmp_path / "a.mp4", CARDS[:3]))
    notes = assemble(tmp_path / "b.mp4", (c[:63] for c in CARDS[:3]), footage, Encoding())
    assert "96 x 64 px instead of 96 x 63" in notes[0]


def test_targets_are_checked_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="known for moving pictures"):
        check_target(tmp_path / "a.txt", Encoding())
    with pytest.raises(InputError, match="does not hold"):
        check_target(tmp_path / "a.mp4", Encoding(codec="prores_ks"))
    with pytest.raises(InputError, match="there is no folder"):
        check_target(tmp_path / "none" / "a.mp4", Encoding())
    with pytest.raises(InputError, match="no frames"):
        footage = open_footage(write_clip(tmp_path / "a.mp4", CARDS[:3]))
        assemble(tmp_path / "b.mp4", iter(()), footage, Encoding())
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    assert isinstance(next(footage_frames(footage)), np.ndarray)
