import math

import pytest
import torch
from torch import Generator

from reverie.optimize.transforms import Transforms


def centers(images: torch.Tensor) -> tuple[float, float]:
    """Center of mass around the brightest place, in pixels from the middle: (down, right)."""
    height, width = images.shape[-2:]
    top, left = divmod(int(images[0, 0].argmax()), width)
    mass = torch.zeros(height, width)  # reflections at the borders are left out
    near = slice(max(0, top - 9), top + 10), slice(max(0, left - 9), left + 10)
    mass[near] = images[0, 0][near]
    rows = torch.arange(height) - (height - 1) / 2
    columns = torch.arange(width) - (width - 1) / 2
    return float((mass.sum(1) * rows).sum() / mass.sum()), float((mass.sum(0) * columns).sum() / mass.sum())


def dot(height: int, width: int, down: float, right: float) -> torch.Tensor:
    rows = torch.arange(height)[:, None] - (height - 1) / 2 - down
    columns = torch.arange(width)[None] - (width - 1) / 2 - right
    return torch.exp(-(rows**2 + columns**2) / 8).expand(1, 3, height, width)


def angle_of(transforms: Transforms, seed: int) -> float:
    """Find the angle that was drawn, by where a dot far to the right of the middle came from."""
    down, right = centers(transforms.look(dot(61, 121, 0, 20), Generator().manual_seed(seed)))
    return math.degrees(math.atan2(down, right))


def test_jitter_reaches_every_shift_in_both_directions_and_none_beyond():
    transforms, generator = Transforms(jitter_px=5), Generator().manual_seed(0)
    shifts = [transforms.shift(generator) for _ in range(1500)]
    assert {down for down, _ in shifts} == set(range(-5, 6))
    assert {right for _, right in shifts} == set(range(-5, 6))
    assert len(set(shifts)) == 121  # the two are independent
    assert Transforms(jitter_px=0).shift(generator) == (0, 0)


def test_a_rotation_turns_both_axes_alike_on_a_picture_that_is_not_square():
    transforms = Transforms(rotate_deg=40)
    for seed in range(5):
        angle = angle_of(transforms, seed)
        assert abs(angle) <= 40
        for down, right in [(20, 0), (0, -20), (-12, 25), (10, 30)]:
            found = centers(transforms.look(dot(81, 121, down, right), Generator().manual_seed(seed)))
            a = math.radians(angle)
            expected = (math.cos(a) * down + math.sin(a) * right, math.cos(a) * right - math.sin(a) * down)
            assert found == pytest.approx(expected, abs=0.15)  # a rotation: no shear, no change of length
    assert len({round(angle_of(transforms, seed), 2) for seed in range(5)}) == 5


def test_scale_enlarges_and_shrinks_within_its_range_in_both_directions_alike():
    transforms, factors = Transforms(scale=0.2), []
    for seed in range(30):
        looks = [transforms.look(dot(81, 121, *at), Generator().manual_seed(seed)) for at in [(20, 0), (0, 20)]]
        down, right = centers(looks[0])[0] / 20, centers(looks[1])[1] / 20
        assert down == pytest.approx(right, abs=0.01)
        factors.append(down)
    assert 1 / 1.21 < min(factors) < 0.9
    assert 1.1 < max(factors) < 1 / 0.79


def test_crops_lie_inside_the_picture_and_keep_its_aspect():
    height, width = 60, 90
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    places = torch.stack([y, x, torch.ones(height, width)])[None]
    transforms, generator, shares = Transforms(crop=0.5), Generator().manual_seed(0), []
    for _ in range(40):
        view = transforms.look(places, generator)
        assert view.shape == (1, 3, 45, 68)  # the mean size of a crop
        tall = float(view[0, 0, -1].mean() - view[0, 0, 0].mean()) / (1 - 1 / 45) / height
        wide = float(view[0, 1, :, -1].mean() - view[0, 1, :, 0].mean()) / (1 - 1 / 68) / width
        assert tall == pytest.approx(wide, abs=0.01)
        shares.append(tall)
        # every row differs from the next: nothing was reflected at a border
        assert bool((view[0, 0].diff(dim=0) > 0).all())
        assert bool((view[0, 1].diff(dim=1) > 0).all())
    assert 0.49 < min(shares) < 0.6
    assert 0.9 < max(shares) <= 1.01


def test_noise_has_the_wanted_deviation_and_is_new_at_every_look():
    transforms, generator = Transforms(noise=0.1), Generator().manual_seed(0)
    grey = torch.full((2, 3, 80, 80), 0.5)
    one, two = transforms.look(grey, generator), transforms.look(grey, generator)
    assert float((one - 0.5).std()) == pytest.approx(0.1, rel=0.03)
    assert abs(float(torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1])) < 0.02


def test_the_generator_alone_decides():
    transforms, images = Transforms(scale=0.1, rotate_deg=10, crop=0.7, noise=0.1), torch.rand(2, 3, 40, 50)
    torch.manual_seed(0)
    one = transforms.look(images, Generator().manual_seed(4))
    torch.manual_seed(1)
    assert torch.equal(transforms.look(images, Generator().manual_seed(4)), one)
    assert not torch.equal(transforms.look(images, Generator().manual_seed(5)), one)
    assert not torch.allclose(one[0] - one[1], transforms.look(images.flip(0), Generator().manual_seed(4))[1] - one[1])


def test_nothing_asked_for_is_nothing_done():
    images = torch.rand(1, 3, 20, 30)
    assert not Transforms(jitter_px=32).resamples
    assert torch.equal(Transforms(jitter_px=32).look(images, Generator()), images)
    assert all(
        t.resamples
        for t in (Transforms(scale=0.1), Transforms(rotate_deg=1), Transforms(crop=0.9), Transforms(noise=0.1))
    )


def test_a_look_is_differentiable():
    images = torch.rand(1, 3, 12, 16, dtype=torch.float64, requires_grad=True)
    transforms = Transforms(scale=0.1, rotate_deg=10, crop=0.8, noise=0.05)
    assert torch.autograd.gradcheck(lambda x: transforms.look(x, Generator().manual_seed(0)), images)
