"""Writing videos: exact rate, tags, sound, settings, odd sizes; whole or not at all; the same bytes again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clips import RATE_HZ, TONE_HZ, card, number_of, sound_of, sound_packets, write_clip
from reverie.errors import InputError, OutputError
from reverie.media.metadata import read_settings
from reverie.media.video import frames, read_video
from reverie.media.video_write import VideoWriter

CARDS = [card(n) for n in range(20)]
NTSC = Fraction(30000, 1001)


def write(path: Path, pictures: list[np.ndarray], rate: Fraction = NTSC, **options: object) -> VideoWriter:
    with VideoWriter(path, pictures[0].shape[:2], rate, **options) as writer:  # type: ignore[arg-type]
        for picture in pictures:
            writer.write(picture)
    return writer


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        (".mp4", "libx264"), (".mp4", "libx265"), (".mp4", "libsvtav1"), (".mov", "libx264"), (".mov", "prores_ks"),
        (".mkv", "libx264"), (".mkv", "ffv1"), (".mkv", "libvpx-vp9"), (".webm", "libx264"), (".webm", "libvpx-vp9"),
    ],
)  # fmt: skip
def test_frames_come_back_at_the_exact_rate_with_their_settings(tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"out{suffix}"
    write(path, CARDS, codec=codec, crf=10, preset="fast", settings={"tool": "test", "wörd": [1, 2]})
    info = read_video(path)
    assert (info.rate, info.frames, info.size) == (NTSC, 20, (64, 96))
    back = list(frames(path, info))
    assert [number_of(f) for f in back] == list(range(20))
    assert max(np.abs(f[:, :40].astype(int) - c[:, :40]).mean() for f, c in zip(back, CARDS, strict=True)) < 4
    assert read_settings(path) == {"tool": "test", "wörd": [1, 2]}


def test_lossless_is_lossless_and_keeps_odd_sizes(tmp_path: Path) -> None:
    pictures = [np.random.default_rng(n).integers(0, 256, (33, 47, 3), dtype=np.uint8) for n in range(3)]
    writer = write(tmp_path / "out.mkv", pictures, codec="ffv1")
    assert writer.size == (33, 47)
    assert all(np.array_equal(a, b) for a, b in zip(pictures, frames(tmp_path / "out.mkv"), strict=True))


def test_odd_sizes_grow_by_their_edge(tmp_path: Path) -> None:
    picture = card()[:61, :83]
    writer = write(tmp_path / "out.mp4", [picture] * 3, crf=4)
    frame = next(frames(tmp_path / "out.mp4"))
    assert writer.size == frame.shape[:2] == (62, 84)
    assert np.abs(frame[61].astype(int) - frame[60]).mean() < 4
    assert np.abs(frame[:, 83].astype(int) - frame[:, 82]).mean() < 4
    assert np.abs(frame[:60, :80].astype(int) - picture[:60, :80]).mean() < 3


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_colors_are_tagged_as_what_they_are(tmp_path: Path, codec: str) -> None:
    write(tmp_path / "out.mkv", CARDS[:3], codec=codec)
    with av.open(str(tmp_path / "out.mkv")) as container:
        context = container.streams.video[0].codec_context
        assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, 1)


def test_mp4_begins_with_its_index(tmp_path: Path) -> None:
    write(tmp_path / "out.mp4", CARDS)
    blob = (tmp_path / "out.mp4").read_bytes()
    assert 0 < blob.index(b"moov") < blob.index(b"mdat")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm"])
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / "source.mp4", CARDS, NTSC, sound="aac")
    for name in ("a", "b"):
        write(tmp_path / f"{name}{suffix}", CARDS, settings={"x": 1}, audio_from=source)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sound_is_copied_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / "source.mp4", CARDS, NTSC, sound="aac")
    writer = write(tmp_path / f"out{suffix}", CARDS, audio_from=source)
    assert writer.sound == "copied"
    before, after = sound_packets(source), sound_packets(tmp_path / f"out{suffix}")
    assert [p[1] for p in after] == [p[1] for p in before]
    shift = before[0][0] - after[0][0]  # Matroska knows no time before zero: all moves by one packet, the picture too
    assert all(abs(a[0] - b[0] - shift) < 0.002 for a, b in zip(before, after, strict=True))
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        begin = min(p.pts * p.time_base for p in container.demux(container.streams.video[0]) if p.size)
        assert abs(float(begin) + shift) < 0.002


@pytest.mark.parametrize(
    ("suffix", "sound", "becomes"), [(".webm", "aac", "opus"), (".mov", "libopus", "aac"), (".mp4", "libopus", None)]
)
def test_sound_is_encoded_anew_only_where_the_container_refuses_it(
    tmp_path: Path, suffix: str, sound: str, becomes: str | None
) -> None:
    source = write_clip(tmp_path / "source.mkv", CARDS * 2, Fraction(25), sound=sound)
    writer = write(tmp_path / f"out{suffix}", CARDS * 2, Fraction(25), audio_from=source)
    codec, samples = sound_of(tmp_path / f"out{suffix}")
    assert writer.sound == ("copied" if becomes is None else "encoded")
    assert becomes is None or codec == becomes
    assert abs(len(samples) / RATE_HZ - 1.6) < 0.1
    spectrum = np.abs(np.fft.rfft(samples[4800:-4800]))
    loudest = np.argmax(spectrum) * RATE_HZ / len(samples[4800:-4800])
    assert abs(loudest - TONE_HZ) < 2


def test_sound_longer_than_the_picture_ends_with_it(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "source.mp4", CARDS, Fraction(25), sound="aac", sound_s=3.0)
    write(tmp_path / "out.mp4", CARDS, Fraction(25), audio_from=source)
    _, samples = sound_of(tmp_path / "out.mp4")
    assert abs(len(samples) / RATE_HZ - 0.8) < 0.05


def test_a_source_without_sound_gives_none(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "source.mp4", CARDS[:3])
    writer = write(tmp_path / "out.mp4", CARDS[:3], audio_from=source)
    assert writer.sound == "none"
    assert not read_video(tmp_path / "out.mp4").audio


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoWriter(tmp_path / "out.mp4", (64, 96), NTSC) as writer:
        writer.write(CARDS[0])
        raise RuntimeError
    with pytest.raises(InputError, match="expected"), VideoWriter(tmp_path / "out.mp4", (64, 96), NTSC) as writer:
        writer.write(CARDS[0][:10])
    with pytest.raises(InputError, match="no frames"), VideoWriter(tmp_path / "out.mp4", (64, 96), NTSC):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_bytes() == b"older"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises((InputError, OutputError), match="cannot write"):
        VideoWriter(tmp_path / "none" / "out.mp4", (64, 96), NTSC)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("out.avi", {}, "known for video"),
        ("out.mp4", {"codec": "h262"}, "no codec called"),
        ("out.mp4", {"codec": "ffv1"}, r"\.mp4 does not hold ffv1"),
        ("out.webm", {"codec": "libx265"}, r"\.webm does not hold"),
        ("out.mp4", {"preset": "quick"}, "no preset called"),
        ("out.mp4", {"crf": 60}, "between 0 and 51"),
    ],
)
def test_impossible_wishes_are_refused_before_the_start(
    tmp_path: Path, name: str, options: dict[str, object], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        VideoWriter(tmp_path / name, (64, 96), NTSC, **options)  # type: ignore[arg-type]
    assert not any(tmp_path.iterdir())
