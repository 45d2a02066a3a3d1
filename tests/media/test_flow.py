"""Motion between frames against motion that is known: pans, turns, occlusions, cuts."""

from __future__ import annotations

import numpy as np
import pytest

from clips import pan, texture
from reverie.media.flow import Motion, consistent, flicker, is_cut, motion, softened, warp


def shifted(height: int, width: int, right: float, down: float) -> np.ndarray:
    return np.broadcast_to(np.array([right, down], np.float32), (height, width, 2)).copy()


@pytest.mark.parametrize("step", [(0, 0), (2, 3), (-1, 5), (7, -4)])
def test_a_pan_is_measured(step: tuple[int, int]) -> None:
    whole = texture(140, 180)
    before = whole[20:116, 20:148]
    after = whole[20 + step[0] : 116 + step[0], 20 + step[1] : 148 + step[1]]
    found = motion(after, before)
    error = np.linalg.norm(found.flow - [step[1], step[0]], axis=-1)  # where a pixel was: further right and down
    assert np.median(error) < 0.1
    assert found.seen[12:-12, 12:-12].mean() > 0.95


def test_what_leaves_and_what_comes_is_told_apart() -> None:
    """A square moves over a ground: behind it something new comes into view, and that only is marked (with margins)."""
    ground, square = texture(112, 144, 1), texture(56, 56, 2)
    before, after = ground.copy(), ground.copy()
    before[24:80, 30:86] = square
    after[24:80, 40:96] = square
    found = motion(after, before)
    uncovered, moved, still = np.s_[30:74, 32:38], np.s_[34:70, 52:84], np.s_[92:104, 12:130]
    assert found.seen[uncovered].mean() < 0.5
    assert found.seen[moved].mean() > 0.9
    assert found.seen[still].mean() > 0.98
    assert np.median(found.flow[moved], axis=(0, 1)) == pytest.approx([-10, 0], abs=0.2)


def test_what_was_outside_the_picture_was_not_seen() -> None:
    frames = pan(2, (0, 8), (96, 128))
    seen = motion(frames[1], frames[0]).seen
    assert seen[10:-10, -7:].mean() < 0.1
    assert seen[10:-10, 10:-16].mean() > 0.95


def test_warping_by_the_exact_flow_is_exact_for_whole_pixels_and_close_for_parts() -> None:
    whole = texture(80, 100).astype(np.float32)
    warped = warp(whole, shifted(80, 100, 3, -2))
    assert np.array_equal(warped[10:-10, 10:-10], whole[8:-12, 13:-7])
    there = warp(warp(whole, shifted(80, 100, 0.5, 0.5)), shifted(80, 100, -0.5, -0.5))
    lost = np.abs(there - whole)[10:-10, 10:-10].mean()
    linear = np.pad(whole, ((1, 1), (1, 1), (0, 0)), mode="edge")
    for _ in range(2):  # half a pixel there and back, by means of four pixels
        linear = (linear[1:, 1:] + linear[:-1, 1:] + linear[1:, :-1] + linear[:-1, :-1]) / 4
    assert lost < 0.75 * np.abs(linear - whole)[10:-10, 10:-10].mean()


def test_consistency_follows_its_formula() -> None:
    """Sundaram et al.: the way there and back may miss by 0.01 of the squares and half a pixel squared."""
    back = shifted(40, 60, 4, 0)
    limit = np.sqrt(0.01 * (16 + 16) + 0.5)
    assert consistent(back, shifted(40, 60, -4, 0.9 * limit))[5:-5, 5:-10].all()
    assert not consistent(back, shifted(40, 60, -4, 1.2 * limit))[5:-5, 5:-10].any()
    assert not consistent(back, -back)[:, -4:].any()  # comes from outside
    jumping = back.copy()
    jumping[:, 30:] = 0
    assert not consistent(jumping, -jumping)[:, 29:31].any()


def test_flicker_is_the_root_mean_square_after_motion() -> None:
    frames = pan(2, (0, 4), (96, 128)).clip(20, 235)
    moved = Motion(shifted(96, 128, 4, 0), np.ones((96, 128), bool))
    moved.seen[:, -4:] = False
    assert flicker(frames[1], frames[0], moved) == 0
    noise = np.where(np.random.default_rng(0).random((96, 128, 3)) < 0.5, -10, 10)
    shaken = (frames[1] + noise).astype(np.uint8)
    assert flicker(shaken, frames[0], moved) == pytest.approx(10)
    moved.seen[:] = False
    assert flicker(shaken, frames[0], moved) == 0


def test_a_softened_mask_never_reaches_beyond_the_mask() -> None:
    seen = np.zeros((40, 60), bool)
    seen[10:30, 10:50] = True
    soft = softened(seen)
    assert (soft[~seen] == 0).all()
    assert soft[20, 30] == pytest.approx(1)
    assert 0 < soft[10, 30] < 0.7


SCENES = [texture(144, 192, seed) for seed in range(6)]


@pytest.mark.parametrize("first", range(3))
def test_cuts_are_found(first: int) -> None:
    for second in range(3, 6):
        for change in (lambda p: p, lambda p: (p * 0.4).astype(np.uint8), lambda p: p[::-1].copy()):
            now, before = change(SCENES[second]), SCENES[first]
            assert is_cut(now, before, motion(now, before))
    black = np.zeros_like(SCENES[0])
    assert is_cut(SCENES[first], black, motion(SCENES[first], black))
    assert is_cut(black, SCENES[first], motion(black, SCENES[first]))


def noisy(picture: np.ndarray, spread: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, spread, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("scene", range(3))
def test_motion_light_and_noise_are_no_cuts(scene: int) -> None:
    whole = texture(176, 232, scene)
    before = whole[16:160, 16:208]
    changes = {
        "pan": whole[18:162, 32:224],
        "flash": (before * 1.5 + 40.0).clip(0, 255).astype(np.uint8),
        "dimmed": (before * 0.2).astype(np.uint8),
        "noise": noisy(before, 40, 1),
        "still": before,
        "mirror of light": (before * np.linspace(0.5, 1.2, 192)[None, :, None]).clip(0, 255).astype(np.uint8),
    }
    for name, now in changes.items():
        assert not is_cut(now, before, motion(now, before)), name
    dark, darker = noisy(before * 0.15, 8, 2), noisy(before * 0.15, 8, 3)
    assert not is_cut(dark, darker, motion(dark, darker))
    black = np.zeros_like(before)
    assert not is_cut(black, black, motion(black, black))


def test_tiny_frames_have_no_motion_and_no_error() -> None:
    before, after = texture(20, 24, 0), texture(20, 24, 1)
    found = motion(after, before)
    assert found.flow.shape == (20, 24, 2) and not found.flow.any()
    assert warp(before, found.flow).shape == before.shape


def test_motion_does_not_depend_on_the_number_of_threads() -> None:
    import cv2

    frames, known = pan(2, (2, 3), (120, 160)), cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = motion(frames[1], frames[0])
        cv2.setNumThreads(4)
        four = motion(frames[1], frames[0])
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(known)
    assert np.array_equal(one.flow, four.flow)
