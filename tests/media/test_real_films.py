"""Films as people have them: turned and mirrored, interlaced, with several sounds, in strange containers."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from clips import card, number_of, tone, write_clip
from reverie.data.sources import find_sources, kind_of
from reverie.errors import VideoError
from reverie.media.animation import animation_frames, read_animation
from reverie.media.footage import Encoding, assemble, footage_frames, is_footage, open_footage
from reverie.media.pixels import turned
from reverie.media.video import frames, read_video
from reverie.media.video_write import VideoWriter

CARDS = [card(n) for n in range(8)]
ONE = 1 << 16
MATRICES = {  # of a track: x' = a x + c y, y' = b x + d y; EXIF codes of the same turns
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, 1, -1, 0), 7: (0, -1, -1, 0), 8: (0, -1, 1, 0),
}  # fmt: skip


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4
    place = at + 4 + (32 if data[at] == 1 else 20) + 16
    a, b, c, d = (value * ONE for value in matrix)
    struct.pack_into(">9i", data, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("code", sorted(MATRICES))
def test_all_eight_turns_and_mirrors(tmp_path: Path, code: int) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS[:2])
    with_matrix(path, MATRICES[code])
    info, frame = read_video(path), next(frames(path))
    wanted = turned(CARDS[0], code)
    assert info.orientation == code and info.size == frame.shape[:2] == wanted.shape[:2]
    assert np.abs(frame.astype(int) - wanted).mean() < 4


def interlaced(path: Path) -> Path:
    """A bright bar moves by 8 px from field to field: each frame shows it at two places, in rows by turns."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"crf": "1", "x264-params": "tff=1"}
        for number in range(8):
            picture = np.full((64, 96, 3), 40, np.uint8)
            for field in (0, 1):
                left = 8 + 16 * (number % 4) + 8 * field
                picture[field::2, left : left + 8] = 220
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
    return path


def test_interlaced_films_have_no_combs(tmp_path: Path) -> None:
    path = interlaced(tmp_path / "clip.mp4")
    info = read_video(path)
    assert info.interlaced and any("interlaced" in note for note in info.notes)
    found = list(frames(path, info))
    assert len(found) == info.frames == 8
    combs = [np.abs(np.diff(frame[8:-8].astype(float), axis=0)).mean() for frame in found]
    with av.open(str(path)) as raw:
        stored = [frame.to_ndarray(format="rgb24") for frame in raw.decode(video=0)]
    before = [np.abs(np.diff(frame[8:-8].astype(float), axis=0)).mean() for frame in stored]
    assert np.mean(combs) < 0.25 * np.mean(before)
    assert [number for number, _ in enumerate(frames(path, info, start=5))] == [0, 1, 2]


def two_sounds(path: Path, default: int) -> Path:
    with av.open(str(path), "w", container_options={"default_mode": "passthrough"}) as out:
        stream: Any = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        tracks: list[Any] = [out.add_stream("aac", rate=48_000, layout="mono") for _ in range(2)]
        for number, track in enumerate(tracks):
            track.disposition = av.stream.Disposition.default if number == default else 0
        for picture in CARDS:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode())
        for number, track in enumerate(tracks):
            wave = tone(0.32, 1) * (0.2 + 0.7 * number)
            for begin in range(0, wave.shape[1], 1024):
                block = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave[:, begin : begin + 1024]), "fltp", "mono")
                block.sample_rate, block.pts = 48_000, begin
                out.mux(track.encode(block))
            out.mux(track.encode())
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm"])
@pytest.mark.parametrize("default", [0, 1])
def test_all_sounds_are_kept_the_default_one_first(tmp_path: Path, suffix: str, default: int) -> None:
    source = two_sounds(tmp_path / "source.mkv", default)
    footage = open_footage(source)
    assemble(tmp_path / f"out{suffix}", footage_frames(footage), footage, Encoding(preset="ultrafast"))
    loud = []
    with av.open(str(tmp_path / f"out{suffix}")) as made:
        for stream in made.streams.audio:
            blocks = [frame.to_ndarray() for frame in made.decode(stream)]
            made.seek(0)
            loud.append(float(np.abs(np.concatenate([b.reshape(-1) for b in blocks])).mean()))
    assert len(loud) == 2
    assert (loud[0] > loud[1]) == (default == 1)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_flat_colors_do_not_drift_from_pass_to_pass(tmp_path: Path, suffix: str) -> None:
    """Eight bits of YCbCr cannot hold all colors; what they hold comes back the same, and nothing drifts on average."""
    levels = np.array([0, 16, 51, 96, 128, 177, 200, 235, 255], np.uint8)
    picture = np.repeat(np.repeat(np.stack([levels] * 3, 1)[None], 32, 0), 32, 1)
    colors = np.random.default_rng(0).integers(0, 256, (4, 9, 3)).astype(np.uint8)
    picture = np.concatenate([picture, np.repeat(np.repeat(colors, 32, 0), 32, 1)])
    found = picture
    for number in range(4):
        path = tmp_path / f"{number}{suffix}"
        with VideoWriter(path, picture.shape[:2], Fraction(25), crf=0, preset="ultrafast") as writer:
            writer.write(found)
        found = next(frames(path))
        flat = found.reshape(5, 32, 9, 32, 3)[:, 8:24, :, 8:24].mean((1, 3))
        wanted = picture.reshape(5, 32, 9, 32, 3)[:, 8, :, 8]
        assert np.abs(flat[0] - wanted[0]).max() <= 1  # greys
        assert np.abs(flat - wanted).max() <= 2 and abs((flat - wanted).mean()) < 0.3


def test_a_film_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", CARDS).rename(tmp_path / "clip.dat")
    assert kind_of(path) == "film" and is_footage(path)
    assert open_footage(path).frames == 8


@pytest.mark.parametrize(("suffix", "kind"), [(".avif", "AVIF"), (".png", "PNG"), (".webp", "WEBP"), (".gif", "GIF")])
def test_animations_of_every_kind_are_films(tmp_path: Path, suffix: str, kind: str) -> None:
    pictures = [Image.fromarray(picture) for picture in CARDS[:6]]
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    path = tmp_path / f"moving{suffix}"
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=100, loop=0, **options)
    assert kind_of(path) == "film" and is_footage(path)
    footage = open_footage(path)
    assert (footage.frames, footage.size, footage.rate) == (6, (64, 96), 10)
    assert [number_of(frame) for frame in footage_frames(footage)] == list(range(6))
    (tmp_path / "still").mkdir()
    pictures[0].save(tmp_path / "still" / f"a{suffix}", kind)
    assert kind_of(tmp_path / "still" / f"a{suffix}") == "picture"


def test_animations_in_folders_are_not_left_out_silently(tmp_path: Path) -> None:
    pictures = [Image.fromarray(picture) for picture in CARDS[:2]]
    pictures[0].save(tmp_path / "still.png")
    for suffix in (".avif", ".png"):
        pictures[0].save(tmp_path / f"moving{suffix}", save_all=True, append_images=pictures[1:], duration=100)
    found = find_sources([str(tmp_path)])
    assert [source.name for source in found.sources] == ["still.png"]
    assert any("2 films" in note for note in found.notes)


def test_gif_frames_beyond_the_screen_are_clipped(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    first, second = (Image.fromarray(picture) for picture in (CARDS[0], 255 - CARDS[0]))
    first.save(path, save_all=True, append_images=[second], duration=80, loop=0)
    data = bytearray(path.read_bytes())
    sized = b",\0\0\0\0" + struct.pack("<HH", 96, 64)  # an image descriptor
    place = data.rfind(sized)
    assert place > data.find(sized)
    struct.pack_into("<HH", data, place + 1, 50, 36)
    path.write_bytes(bytes(data))
    footage = open_footage(path)
    found = list(footage_frames(footage))
    assert footage.size == (64, 96) and [f.shape for f in found] == [(64, 96, 3)] * 2
    assert np.abs(found[1][:36].astype(int) - found[0][:36]).max() == 0  # outside of the second frame
    assert np.abs(found[1][36:, 50:].astype(int) - found[0][36:, 50:]).max() > 50


def test_an_animation_on_a_huge_screen_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    frame = Image.new("P", (2, 2))
    frame.save(path, save_all=True, append_images=[Image.new("P", (2, 2), 1)] * 49, duration=80)
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, 6, 14000, 14000)
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match="14000 x 14000 px, more than the"):
        read_animation(path)
    with pytest.raises(VideoError, match="14000 x 14000 px"):
        next(animation_frames(path))
