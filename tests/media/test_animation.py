"""GIF and animated WebP: whole frames, durations, loops, transparency, there and back."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clips import card, number_of, texture
from reverie.errors import InputError, PictureError, VideoError
from reverie.media.animation import AnimationWriter, animation_frames, is_animated, read_animation
from reverie.media.metadata import read_settings

DURATIONS = (40, 120, 70, 10, 2000)
CARDS = [card(n) for n in range(5)]


def holes(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    alpha = np.full((height, width), 255, np.uint8)
    alpha[40:, 30 : 40 + number] = 0
    return alpha


def write(path: Path, frames: list[np.ndarray], **options: object) -> Path:
    with AnimationWriter(path, frames[0].shape[:2], **options) as writer:  # type: ignore[arg-type]
        for frame, duration in zip(frames, DURATIONS, strict=True):
            writer.write(frame, duration)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_frames_durations_loops_and_settings_come_back(tmp_path: Path, suffix: str, plays: int) -> None:
    path = write(tmp_path / f"a{suffix}", CARDS, plays=plays, settings={"tool": "test", "wörd": 1})
    info = read_animation(path)
    assert (info.size, info.durations_ms, info.plays, info.transparent, info.notes) == (
        (64, 96), DURATIONS, plays, False, (),
    )  # fmt: skip
    assert info.rate == Fraction(5000, 40 + 120 + 70 + 100 + 2000)  # browsers show 10 ms for 100
    assert [number_of(f) for f in animation_frames(path, info)] == list(range(5))
    assert is_animated(path)
    assert read_settings(path) == {"tool": "test", "wörd": 1}


@pytest.mark.parametrize(("suffix", "most"), [(".gif", 8.0), (".webp", 6.0)])
def test_colors_of_a_photo_survive(tmp_path: Path, suffix: str, most: float) -> None:
    pictures = [texture(64, 96, n) for n in range(5)]
    path = write(tmp_path / f"a{suffix}", pictures)
    for frame, picture in zip(animation_frames(path), pictures, strict=True):
        assert np.abs(frame.astype(int) - picture).mean() < most


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_transparency_stays_where_it_was_in_every_frame(tmp_path: Path, suffix: str) -> None:
    layers = [np.dstack([c, holes(n)]) for n, c in enumerate(CARDS)]
    path = write(tmp_path / f"a{suffix}", layers, transparent=True)
    info = read_animation(path)
    assert info.transparent
    for number, frame in enumerate(animation_frames(path, info, alpha=True)):
        assert np.array_equal(frame[..., 3], holes(number))
    for number, frame in enumerate(animation_frames(path, info)):
        assert (frame[holes(number) == 0] == 255).all()  # laid on white


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_what_pillow_writes_is_read_alike(tmp_path: Path, suffix: str) -> None:
    """Pillow stores differences between frames; a frame here is always the whole picture."""
    images = [Image.fromarray(c) for c in CARDS]
    path = tmp_path / f"a{suffix}"
    images[0].save(path, save_all=True, append_images=images[1:], duration=list(DURATIONS), loop=2)
    info = read_animation(path)
    assert info.durations_ms == DURATIONS
    assert info.plays == (3 if suffix == ".gif" else 2)
    assert [number_of(f) for f in animation_frames(path, info)] == list(range(5))
    assert [number_of(f) for f in animation_frames(path, info, start=3)] == [3, 4]


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_the_same_frames_give_the_same_bytes_and_pillow_can_read_them(tmp_path: Path, suffix: str) -> None:
    first, second = write(tmp_path / f"a{suffix}", CARDS), write(tmp_path / f"b{suffix}", CARDS)
    assert first.read_bytes() == second.read_bytes()
    with Image.open(io.BytesIO(first.read_bytes())) as image:
        assert image.n_frames == 5  # type: ignore[attr-defined]


def test_a_gif_that_ends_early_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    blob = write(tmp_path / "a.gif", [texture(64, 96, n) for n in range(5)]).read_bytes()
    path = tmp_path / "cut.gif"
    path.write_bytes(blob[: len(blob) // 2])
    info = read_animation(path)
    assert info.frames in (2, 3)
    assert "cut short" in info.notes[0]
    assert len(list(animation_frames(path, info))) == info.frames


@pytest.mark.slow
def test_wherever_a_gif_is_cut_its_whole_frames_are_read(tmp_path: Path) -> None:
    blob = write(tmp_path / "a.gif", [texture(48, 60, n) for n in range(5)]).read_bytes()
    path, counts = tmp_path / "cut.gif", []
    starts = [n for n in range(len(blob)) if blob[n : n + 2] == b"\x21\xf9" or blob[n : n + 1] == b"\x2c"]
    for end in sorted({len(blob) // 3, len(blob) - 1} | {s + n for s in starts[2:] for n in range(12)}):
        path.write_bytes(blob[:end])
        if is_animated(path):
            info = read_animation(path)
            assert len(list(animation_frames(path, info))) == info.frames
            counts.append(info.frames)
    assert counts == sorted(counts) and len(set(counts)) > 1


def test_stills_and_other_files_are_not_animated(tmp_path: Path) -> None:
    Image.fromarray(CARDS[0]).save(tmp_path / "still.gif")
    Image.fromarray(CARDS[0]).save(tmp_path / "still.webp")
    Image.fromarray(CARDS[0]).save(tmp_path / "still.png")
    (tmp_path / "text.gif").write_text("hello")
    assert not any(is_animated(p) for p in [*tmp_path.iterdir(), tmp_path / "none.gif", tmp_path])
    Image.fromarray(CARDS[0]).save(tmp_path / "still.jpg")
    with pytest.raises(VideoError, match="is no GIF, WebP, PNG or AVIF"):
        read_animation(tmp_path / "still.jpg")
    with pytest.raises(PictureError, match="not a picture"):
        read_animation(tmp_path / "text.gif")
    with pytest.raises(VideoError, match="no animation at"):
        read_animation(tmp_path / "none.gif")


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    for suffix in (".gif", ".webp"):
        with pytest.raises(InputError, match="expected"), AnimationWriter(tmp_path / f"a{suffix}", (64, 96)) as writer:
            writer.write(CARDS[0][:5], 10)
        with pytest.raises(InputError, match="no frames"), AnimationWriter(tmp_path / f"a{suffix}", (64, 96)):
            pass
    with pytest.raises(InputError, match="at most 16383"):
        AnimationWriter(tmp_path / "a.webp", (20_000, 20))
    with pytest.raises(InputError, match="known for animations"):
        AnimationWriter(tmp_path / "a.apng", (20, 20))
    assert not any(tmp_path.iterdir())
