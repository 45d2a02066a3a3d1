"""Reading videos: every frame once, upright, in the right colors, at the right time, whatever the file is like."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from clips import BLUE, GREEN, RED, card, number_of, write_clip
from reverie.errors import InputError, VideoError
from reverie.media.cicp import to_light
from reverie.media.source import LIMIT_VARIABLE
from reverie.media.video import frames, read_video

CARDS = [card(n) for n in range(20)]


RATES = (Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(12), Fraction(15, 2))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_every_frame_comes_once_at_the_exact_rate(tmp_path: Path, rate: Fraction, suffix: str) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", CARDS, rate)
    info = read_video(path)
    assert (info.rate, info.frames, info.size, info.rotation, info.notes) == (rate, 20, (64, 96), 0, ())
    assert [number_of(f) for f in frames(path, info)] == list(range(20))


def test_older_containers_are_read(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.avi", CARDS, Fraction(25), codec="mpeg4", sound="mp3")
    info = read_video(path)
    assert (info.rate, info.audio) == (Fraction(25), True)
    shown = [number_of(f) for f in frames(path, info)]
    assert len(shown) == info.frames in (20, 21)  # FFmpeg leaves a tick out behind the first frame of an AVI
    assert shown[0] == 0 and abs(shown[-1] - 19) <= 1 and shown == sorted(shown)


def test_frames_can_begin_anywhere_and_are_the_same(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS)
    whole = list(frames(path))
    for start in (1, 7, 19):
        rest = list(frames(path, start=start))
        assert len(rest) == 20 - start
        assert all(np.array_equal(a, b) for a, b in zip(whole[start:], rest, strict=True))


@pytest.mark.parametrize("tagged", [True, False], ids=["tagged BT.709", "untagged, small, so BT.601"])
def test_colors_survive(tmp_path: Path, tagged: bool) -> None:
    frame = next(frames(write_clip(tmp_path / "clip.mp4", CARDS[:3], tagged=tagged)))
    for (row, column), color in {(10, 20): RED, (40, 70): GREEN, (50, 10): BLUE}.items():
        assert np.abs(frame[row, column].astype(int) - color).max() <= 3


@pytest.mark.parametrize(("rotation", "quarter"), [(90, 1), (180, 2), (-90, 3)])
def test_rotation_is_applied(tmp_path: Path, rotation: int, quarter: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS[:3], rotation=rotation)
    info, frame = read_video(path), next(frames(path))
    wanted = np.rot90(CARDS[0], quarter)
    assert info.size == frame.shape[:2] == wanted.shape[:2]
    assert np.abs(frame.astype(int) - wanted).mean() < 4
    assert np.abs(np.rot90(frame, 2).astype(int) - wanted).mean() > 30


def test_a_varying_rate_becomes_an_even_one_that_keeps_time(tmp_path: Path) -> None:
    """Frames are held where the clip paused: the tick of every frame is that of its timestamp."""
    times = [0, 24, 48, 72, 96, 216, 240, 264, 288, 312]  # of 600 a second: 25 a second, and one pause of a fifth
    path = write_clip(tmp_path / "clip.mp4", CARDS[:10], pts=times)
    info = read_video(path)
    shown = [number_of(f) for f in frames(path, info)]
    assert info.rate == 25
    assert len(shown) == info.frames
    for number, time in enumerate(times):
        assert abs(shown.index(number) - float(Fraction(time, 600) * info.rate)) <= 0.51
    assert sorted(set(shown)) == list(range(10))
    assert shown.count(4) == 5
    assert "varying frame rate" in info.notes[0]


def test_bursts_between_long_pauses_are_read_at_a_lower_rate(tmp_path: Path) -> None:
    times = [600 * 20 * (n // 5) + 10 * (n % 5) for n in range(20)]  # four bursts of 60 a second, 20 s apart
    info = read_video(write_clip(tmp_path / "clip.mp4", CARDS, pts=times))
    assert (info.rate, info.timed) == (1, True)
    shown = [number_of(f) for f in frames(info.path, info)]
    assert len(shown) == info.frames == 61
    assert [shown[s] for s in (0, 19, 20, 40, 60)] == [0, 0, 5, 10, 15]


def test_ten_bit_and_hdr_are_read_and_said(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS[:3], codec="libx265", pixels="yuv420p10le", transfer=18)
    info = read_video(path)
    assert "HLG" in info.notes[0]
    light = to_light(CARDS[0] / 255, 18)
    shown = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) * 255
    assert np.abs(next(frames(path)) - shown).mean() < 4


def test_pixels_that_are_not_square_become_so(tmp_path: Path) -> None:
    path = tmp_path / "wide.mkv"
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        for picture in CARDS[:3]:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:, ::2]))))
        container.mux(stream.encode(None))
    assert read_video(path).size == (64, 96)
    assert next(frames(path)).shape == (64, 96, 3)


def test_what_is_there_of_a_truncated_video_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (20, 64, 96, 3), dtype=np.uint8)
    noise[:, 4:20, 72:92] = [c[4:20, 72:92] for c in CARDS]
    whole = write_clip(tmp_path / "whole.mkv", list(noise)).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    info = read_video(path)
    shown = [number_of(f) for f in frames(path, info)]
    assert "cut short" in info.notes[0]
    assert 8 <= len(shown) <= 14
    assert abs(len(shown) - info.frames) <= 1
    assert shown == list(range(len(shown)))


def test_damage_in_the_middle_costs_only_what_it_hits(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mkv", [card(n, 128, 192) for n in range(20)])
    blob = bytearray(path.read_bytes())
    middle = len(blob) // 2
    blob[middle : middle + 40] = bytes(40)
    path.write_bytes(bytes(blob))
    assert len(list(frames(path))) >= 10


@pytest.mark.parametrize(
    ("name", "blob", "expected"),
    [
        ("empty.mp4", b"", "is empty (0 bytes)"),
        ("text.mp4", b"hello, this is text\n" * 40, "is not a video"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n", "is not a video"),
        ("moov.mp4", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2\0\0\1\0mdat" + bytes(300), "its index is missing"),
    ],
)
def test_what_is_no_video_is_named_in_one_line(tmp_path: Path, name: str, blob: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(blob)
    with pytest.raises(VideoError) as caught:
        read_video(tmp_path / name)
    assert expected in str(caught.value) and name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_folders_and_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no video at"):
        read_video(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match="is a folder"):
        read_video(tmp_path)
    Image.fromarray(CARDS[0]).save(tmp_path / "picture.png")
    with pytest.raises(VideoError, match="is not a video"):
        read_video(tmp_path / "picture.png")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        frame.rate, frame.pts = 48_000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="only sound"):
        read_video(path)


def test_frames_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS[:2])
    monkeypatch.setenv(LIMIT_VARIABLE, "1000")
    with pytest.raises(InputError, match="more than the limit"):
        read_video(path)
