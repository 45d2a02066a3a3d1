from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from reverie.critic.critic import Critic
from reverie.errors import InputError
from reverie.numerics.motion import Rates, moved, steady
from reverie.tools.dream.config import DreamConfig
from reverie.tools.dream_film.loop import (
    Loop,
    LoopFrame,
    loop_frames,
    mixed,
    plan_loop,
    return_weight,
    to_picture,
    to_pixels,
)
from reverie.tools.dream_steps.ascent import dream_steps, seed_for
from reverie.tools.films.loop_config import LoopConfig, plan_film
from reverie.tools.keyframes.file import parse_keyframes

SIZE = (64, 82)
DREAM = DreamConfig(octaves=2, steps=3, jitter=8, step_size=0.01)
ZOOM = LoopConfig(zoom="1.3/s", rotate="10/s", seconds=2, fps="10")


def prepared(critic: Critic, config: LoopConfig, dream: DreamConfig = DREAM, keys: str = "", **more) -> Loop:
    keyframes = parse_keyframes(keys) if keys else None
    film = plan_film(config, keyframes.tracks if keyframes else {})
    return plan_loop(SIZE, dream, film, critic, keyframes=keyframes, **more)


def run(loop: Loop, image: Tensor | None, upto: int | None = None) -> list[LoopFrame]:
    made: list[LoopFrame] = []
    for frame in loop_frames(loop, image, lambda i: made[i].pixels):
        made.append(frame)
        if len(made) == upto:
            break
    return made


def shown(loop: Loop, made: list[LoopFrame]) -> list[np.ndarray]:
    return [made[i].pixels for i in loop.shown]


def rms(one: np.ndarray, other: np.ndarray) -> float:
    """Of 255."""
    return 255 * float(np.sqrt(np.mean((one.astype(float) - other) ** 2)))


def changes(film: list[np.ndarray]) -> list[float]:
    """From each frame to the next, at last from the last to the first."""
    return [rms(film[i], film[(i + 1) % len(film)]) for i in range(len(film))]


# -- frame by frame ---------------------------------------------------------------------------------------------------


def test_every_frame_is_the_last_one_moved_and_dreamt_on(small_critic, make_photo):
    photo = make_photo(*SIZE)
    loop = prepared(small_critic, replace(ZOOM, seconds=0.4))
    made = run(loop, photo)
    *_, first = dream_steps(photo, DREAM, critic=small_critic)
    assert np.array_equal(made[0].pixels, to_pixels(first.images))
    now = made[0].pixels
    for index in range(1, 4):
        x = to_picture(now, torch.device("cpu"))
        x = moved(x, steady(Rates(1.3, 10), 0.1, SIZE)).clamp(0, 1)
        later = replace(DREAM, steps=1, step_size=0.01 * 12 / 10, seed=seed_for(0, f"frame {index}"))
        for step in dream_steps(x, later, critic=small_critic):
            x = step.images
        now = to_pixels(x)
        assert np.abs(now - made[index].pixels).max() < 2 / 255
    assert [f.index for f in made] == [0, 1, 2, 3]
    assert made[0].flicker is None
    assert all(1 < f.flicker < 20 for f in made[1:] if f.flicker is not None)


def test_with_no_steps_a_film_is_motion_alone(small_critic, make_photo):
    photo = make_photo(*SIZE)
    loop = prepared(small_critic, replace(ZOOM, seconds=0.5), replace(DREAM, steps=0), later_steps=0)
    made = run(loop, photo)
    assert np.array_equal(made[0].pixels, to_pixels(photo))
    direct = moved(photo, steady(Rates(1.3, 10), 0.4, SIZE)).clamp(0, 1)
    coarse = torch.nn.functional.avg_pool2d(to_picture(made[4].pixels, torch.device("cpu")) - direct, 4)
    assert float(coarse.abs().mean()) < 0.005


def test_a_second_holds_the_same_motion_and_dream_at_every_rate(small_critic, make_photo):
    photo = make_photo(*SIZE)
    films = {}
    for fps in (10, 30):
        loop = prepared(small_critic, replace(ZOOM, rotate="0", seconds=1.2, fps=str(fps)))
        made = run(loop, photo, fps + 1)
        films[fps] = to_picture(made[fps].pixels, torch.device("cpu"))
        start = to_picture(made[0].pixels, torch.device("cpu"))
    still = moved(start, steady(Rates(1.3), 1, SIZE))
    gain = {fps: float((x - still).square().mean().sqrt()) for fps, x in films.items()}
    assert gain[30] == pytest.approx(gain[10], rel=0.25)
    strength = {fps: float(small_critic(x, ["conv4"])["conv4"].square().mean()) for fps, x in films.items()}
    assert strength[30] == pytest.approx(strength[10], rel=0.15)


def test_zoomed_in_dreams_keep_their_detail(small_critic, make_photo):
    photo = make_photo(*SIZE)

    def detail(pixels: np.ndarray) -> float:
        return float(np.abs(np.diff(pixels, axis=1)).mean())

    made = run(prepared(small_critic, replace(ZOOM, zoom="2/s", seconds=3)), photo)
    empty = run(prepared(small_critic, replace(ZOOM, zoom="2/s", seconds=3), later_steps=0), photo)
    assert detail(made[-1].pixels) > 0.45 * detail(made[0].pixels)
    assert detail(empty[-1].pixels) < 0.25 * detail(made[0].pixels)  # what eightfold enlargement leaves by itself
    assert made[-1].pixels[[0, -1]].mean() > 0.15  # no black borders
    assert made[-1].pixels[:, [0, -1]].mean() > 0.15


def test_the_same_seed_gives_the_same_film_and_another_seed_another(small_critic, make_photo):
    photo = make_photo(*SIZE)
    one, two, other = (
        run(prepared(small_critic, replace(ZOOM, seconds=0.3), replace(DREAM, seed=seed)), photo) for seed in (3, 3, 4)
    )
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[-1].pixels, other[-1].pixels)


@pytest.mark.parametrize("start", [1, 7, 19, 24])
def test_a_film_goes_on_from_its_frames_byte_for_byte(small_critic, make_photo, start):
    photo = make_photo(*SIZE)
    loop = prepared(small_critic, replace(ZOOM, seamless=True, seam=0.3))
    whole = [f.pixels for f in run(loop, photo)]
    again = [f.pixels for f in loop_frames(loop, photo, lambda i: whole[i], start=start)]
    assert len(again) == loop.total - start
    assert all(np.array_equal(a, b) for a, b in zip(again, whole[start:], strict=True))


def test_a_film_from_nothing(small_critic):
    film = plan_film(replace(ZOOM, seconds=0.4))
    loop = plan_loop(None, replace(DREAM, size=72), film, small_critic)
    made = run(loop, None)
    assert [f.pixels.shape for f in made] == [(72, 72, 3)] * 4
    assert rms(made[-1].pixels, made[0].pixels) > 3


def test_what_the_mask_leaves_out_only_moves(small_critic, make_photo):
    photo, mask = make_photo(*SIZE), torch.zeros(1, 1, *SIZE)
    mask[..., :, 50:] = 1
    loop = prepared(small_critic, replace(ZOOM, zoom="1", rotate="0", anchor=0.0, seconds=0.4))
    made: list[np.ndarray] = []
    for frame in loop_frames(loop, photo, lambda i: made[i], mask=mask):
        made.append(frame.pixels)
    assert np.array_equal(made[-1][:, :50], to_pixels(photo)[:, :50])
    assert rms(made[-1][:, 50:], to_pixels(photo)[:, 50:]) > 3


def test_at_rest_the_original_comes_back_at_the_pace_of_the_anchor(small_critic, make_photo):
    photo = make_photo(*SIZE)
    config = LoopConfig(seconds=1.2, fps="10", anchor=0.9)
    made = run(prepared(small_critic, config, later_steps=0), photo)
    left = rms(made[10].pixels, to_pixels(photo)) / rms(made[0].pixels, to_pixels(photo))
    assert left == pytest.approx(0.1, abs=0.005)  # a second later
    still = run(prepared(small_critic, LoopConfig(seconds=4, fps="10")), photo)
    free = run(prepared(small_critic, LoopConfig(seconds=4, fps="10", anchor=0.0)), photo)
    assert rms(still[-1].pixels, to_pixels(photo)) < 0.6 * rms(free[-1].pixels, to_pixels(photo))


# -- keyframes --------------------------------------------------------------------------------------------------------


def test_keyed_motion_is_what_its_integral_says(small_critic, make_photo):
    photo = make_photo(*SIZE)
    keys = "rotate: {0: 0, 1s: 40}\nstrength: {0: 0}"
    loop = prepared(small_critic, replace(ZOOM, zoom="1", rotate="99", seconds=1.1), DREAM, keys)
    made = run(loop, photo)
    assert np.array_equal(made[0].pixels, to_pixels(photo))
    turned = moved(photo, steady(Rates(rotate_deg=20), 1, SIZE)).clamp(0, 1)
    middle = (slice(None), slice(None), slice(16, 48), slice(20, 62))
    coarse = torch.nn.functional.avg_pool2d((to_picture(made[10].pixels, turned.device) - turned)[middle], 4)
    unmoved = torch.nn.functional.avg_pool2d((photo - turned)[middle], 4)
    assert float(coarse.abs().mean()) < 0.1 * float(unmoved.abs().mean())


def test_a_keyed_step_size_counts_as_the_option_does(small_critic, make_photo):
    photo = make_photo(*SIZE)
    config = replace(ZOOM, seconds=0.2, fps="30")
    one = run(prepared(small_critic, config, replace(DREAM, step_size=0.03)), photo)
    two = run(prepared(small_critic, config, DREAM, "step_size: {0: 0.03}"), photo)
    half = run(prepared(small_critic, config, replace(DREAM, step_size=0.06), "strength: {0: 0.5}"), photo)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, half, strict=True))


def test_a_morph_goes_from_one_layer_to_the_other(small_critic, make_photo):
    photo = make_photo(*SIZE)
    keys = "layer: {0: conv1, 100%: conv4}"
    config = LoopConfig(seconds=2, fps="10", anchor=0.9)
    made = run(prepared(small_critic, config, replace(DREAM, octaves=1), keys), photo)

    def share(frame: LoopFrame) -> float:
        found = small_critic(to_picture(frame.pixels, torch.device("cpu")), ["conv1", "conv4"])
        return float(found["conv1"].square().mean() / found["conv4"].square().mean())

    assert share(made[2]) > share(made[10]) > share(made[19])


# -- seamless ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        (replace(ZOOM, seamless=True), ""),
        (LoopConfig(pan="0.5,0/s", seconds=2, fps="10", seamless=True, seam=0.5), ""),
        (replace(ZOOM, seamless=True), "layer: {0: conv1, 50%: conv4}\nzoom: {0: 1.1, 1s: 1.5 smooth}"),
        (LoopConfig(seconds=2, fps="10", seamless=True), "layer: {0: conv2, 50%: conv4}"),
    ],
)
def test_the_last_frame_leads_to_the_first_as_any_frame_to_the_next(small_critic, make_photo, config, keys):
    loop = prepared(small_critic, config, DREAM, keys)
    made = run(loop, make_photo(*SIZE))
    film = shown(loop, made)
    assert len(film) == 20
    assert np.array_equal(film[-1], made[loop.film.seam_frames - 1].pixels)  # home, to the bit
    found = changes(film)
    middle = float(np.median(found[:-1]))
    assert 0.7 * middle < found[-1] < 1.3 * middle
    assert max(found) < 1.5 * middle
    assert rms(film[0], film[10]) > 1.05 * middle or config.pan != "0,0"


def test_without_seamless_the_end_is_elsewhere(small_critic, make_photo):
    loop = prepared(small_critic, ZOOM)
    found = changes(shown(loop, run(loop, make_photo(*SIZE))))
    assert found[-1] > 1.3 * float(np.median(found[:-1]))


@pytest.mark.parametrize("seam", [2, 3, 10, 57])
def test_the_way_home_is_wholly_walked(seam):
    left = 1.0
    for number in range(seam):
        pull = return_weight(number, seam)
        assert 0 <= pull <= 1
        left *= 1 - pull
        t = number / (seam - 1)
        assert left == pytest.approx(1 - t * t * (3 - 2 * t), abs=1e-12)
    assert return_weight(seam - 1, seam) == 1
    assert return_weight(-5, seam) == return_weight(0, seam) == 0
    assert return_weight(-5, 0) == 0


def test_mixtures_keep_their_contrast(make_photo):
    one, other = make_photo(96, 128, 1), make_photo(96, 128, 2)

    def contrast(images: Tensor) -> float:
        fine = images - torch.nn.functional.avg_pool2d(images, 17, 1, 8, count_include_pad=False)
        return float(fine.std())

    half = contrast(mixed(one, other, 0.5))
    assert half == pytest.approx((contrast(one) + contrast(other)) / 2, rel=0.03)
    assert contrast(torch.lerp(one, other, 0.5)) < 0.8 * half
    assert torch.allclose(mixed(one, one, 0.5), one, atol=1e-5)
    assert torch.allclose(mixed(one, other, 1e-6), one, atol=1e-4)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_a_loop_that_does_not_close_or_names_no_layer_is_refused_before_its_first_frame(small_critic):
    with pytest.raises(InputError, match="does not close"):
        prepared(small_critic, replace(ZOOM, seamless=True), DREAM, "zoom: {0: 1, 100%: 2}")
    with pytest.raises(InputError, match=r"line 1: no layer called 'conv7'"):
        prepared(small_critic, ZOOM, DREAM, "layer: {0: conv7}")
    with pytest.raises(InputError, match="cannot be tiled"):
        prepared(small_critic, ZOOM, replace(DREAM, tile=32), "jitter_rotate: {0: 0, 1s: 5}")
