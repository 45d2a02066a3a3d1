import cmath
import math

import pytest
import torch
from torch import Tensor

from reverie.numerics.motion import Rates, Similarity, changing, moved, steady

SIZE = (90, 121)
EVERYTHING = Rates(zoom=1.04, rotate_deg=5, pan=(0.03, -0.02))


def near(one: Similarity, two: Similarity, tolerance: float = 1e-9) -> bool:
    return abs(one.factor - two.factor) < tolerance and abs(one.offset - two.offset) < tolerance * 100


def rms(difference: Tensor) -> float:
    return float(difference.square().mean().sqrt())


def inner(images: Tensor, margin: int = 24) -> Tensor:
    return images[..., margin:-margin, margin:-margin]


@pytest.mark.parametrize(
    "rates", [EVERYTHING, Rates(zoom=1.04), Rates(rotate_deg=-90), Rates(pan=(0.5, 0.1)), Rates(0.7, 1e-5, (0.1, 0))]
)
def test_a_second_is_the_same_at_every_frame_rate(rates):
    whole = steady(rates, 1, SIZE)
    for fps in (10, 60, 24000 / 1001):
        total = Similarity()
        for _ in range(10):
            total = total.then(steady(rates, 1 / fps, SIZE))
        assert near(total, steady(rates, 10 / fps, SIZE))
    assert abs(whole.factor) == pytest.approx(rates.zoom)
    assert math.degrees(cmath.phase(whole.factor)) == pytest.approx(rates.rotate_deg)


def test_ten_frames_at_ten_a_second_show_what_sixty_at_sixty_show(make_photo):
    photo = make_photo(*SIZE)
    slow = fast = photo
    for _ in range(10):
        slow = moved(slow, steady(EVERYTHING, 1 / 10, SIZE))
    for _ in range(60):
        fast = moved(fast, steady(EVERYTHING, 1 / 60, SIZE))
    once = moved(photo, steady(EVERYTHING, 1, SIZE))
    assert rms(inner(slow - fast)) < 0.25 * rms(inner(once - photo))
    smooth = torch.nn.functional.avg_pool2d  # of what both still hold, place and strength agree
    assert rms(smooth(inner(slow - fast), 4)) < 0.03 * rms(smooth(inner(once - photo), 4))


def test_the_flow_is_that_of_a_thousand_small_steps():
    place, step = complex(20, -7), 1 / 4000
    growth = complex(math.log(1.3), math.radians(40))
    velocity = -complex(0.2 * SIZE[1], -0.1 * SIZE[0])
    moving = place
    for _ in range(4000):
        moving += step * (growth * moving + velocity)
    exact = steady(Rates(1.3, 40, (0.2, -0.1)), 1, SIZE)
    assert abs(exact.factor * place + exact.offset - moving) < 0.01


def test_changing_rates_add_up_to_their_integral_whatever_the_frames():
    def rates(time: float) -> Rates:
        return Rates(math.exp(0.2 * math.sin(time)), 30 * time, (0.1 * time, 0))

    def film(fps: int) -> Similarity:
        total = Similarity()
        for frame in range(2 * fps):
            total = total.then(changing(rates, frame / fps, (frame + 1) / fps, SIZE))
        return total

    assert math.log(abs(film(10).factor)) == pytest.approx(0.2 * (1 - math.cos(2)), abs=1e-5)
    assert math.degrees(cmath.phase(film(10).factor)) == pytest.approx(60, abs=1e-5)
    assert near(film(10), film(60), 1e-4)


def test_a_motion_and_its_inverse_cancel():
    motion = steady(EVERYTHING, 3, SIZE)
    assert near(motion.then(motion.inverse), Similarity())


def test_no_motion_gives_the_same_tensor(make_photo):
    photo = make_photo(*SIZE)
    assert moved(photo, steady(Rates(), 5, SIZE)) is photo


def blob(x: float, y: float) -> Tensor:
    """Return a soft dot at a place given from the center, x to the right and y down."""
    rows = torch.arange(SIZE[0])[:, None] - (SIZE[0] - 1) / 2 - y
    columns = torch.arange(SIZE[1])[None, :] - (SIZE[1] - 1) / 2 - x
    return torch.exp(-(rows**2 + columns**2) / 18).expand(1, 3, *SIZE)


def centroid(images: Tensor) -> tuple[float, float]:
    weight = images[0, 0].clamp_min(0.02) - 0.02
    rows = torch.arange(SIZE[0])[:, None] - (SIZE[0] - 1) / 2
    columns = torch.arange(SIZE[1])[None, :] - (SIZE[1] - 1) / 2
    return float((weight * columns).sum() / weight.sum()), float((weight * rows).sum() / weight.sum())


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (Rates(zoom=2), (40, 20)),
        (Rates(zoom=0.8), (16, 8)),
        (Rates(rotate_deg=90), (-10, 20)),  # clockwise: what is right of the center comes to stand below it
        (Rates(pan=(0.1, 0)), (20 - 12.1, 10)),  # the view wanders right, so things wander left
        (Rates(pan=(0, 0.1)), (20, 1)),
    ],
)
def test_things_go_where_the_rates_say(rates, expected):
    found = centroid(moved(blob(20, 10), steady(rates, 1, SIZE)))
    assert found == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_borders_are_never_black(border):
    white = torch.ones(1, 3, *SIZE)
    found = moved(white, steady(Rates(0.4, 33, (0.4, 0.9)), 1, SIZE), border)
    assert torch.allclose(found, white, atol=1e-4)


def test_a_whole_turn_in_36_frames_neither_drifts_nor_fades(make_photo):
    photo = torch.nn.functional.avg_pool2d(make_photo(*SIZE), 3, 1, 1)
    turned = photo
    for _ in range(36):
        turned = moved(turned, steady(Rates(rotate_deg=10), 1, SIZE))
    center = (slice(None), slice(None), slice(25, 65), slice(40, 80))
    assert rms(turned[center] - photo[center]) < 0.08 * float(photo[center].std())
    dot = blob(15, 5)
    for _ in range(36):
        dot = moved(dot, steady(Rates(rotate_deg=10), 1, SIZE))
    assert centroid(dot) == pytest.approx((15, 5), abs=0.02)


def test_a_pan_around_the_world_comes_back(make_photo):
    photo = torch.nn.functional.avg_pool2d(make_photo(*SIZE), 3, 1, 1)
    panned = photo
    for _ in range(40):
        panned = moved(panned, steady(Rates(pan=(0.25, 0)), 0.1, SIZE), "wrap")
    assert rms(panned - photo) < 0.1 * float(photo.std())
