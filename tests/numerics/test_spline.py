import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.numerics.spline import spline_coefficients, spline_sample


def places(height: int, width: int, down: float = 0.0, right: float = 0.0) -> tuple[Tensor, Tensor]:
    rows = torch.arange(height, dtype=torch.float64)[:, None].expand(height, width) + down
    return rows, torch.arange(width, dtype=torch.float64).expand(height, width) + right


def shifted(images: Tensor, down: float, right: float, border: str = "wrap") -> Tensor:
    return spline_sample(images, *places(images.shape[-2], images.shape[-1], down, right), border)


def fold(index: int, length: int, border: str) -> int:
    if border == "wrap":
        return index % length
    index %= 2 * length
    return min(index, 2 * length - 1 - index)


def bump(x: float) -> float:
    x = abs(x)
    return 2 / 3 - x**2 + x**3 / 2 if x < 1 else max(0.0, 2 - x) ** 3 / 6


@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_splines_add_up_to_the_picture_at_every_pixel(make_photo, border):
    photo = make_photo(23, 34).double()
    coefficients = spline_coefficients(photo, border)
    mode = "circular" if border == "wrap" else "replicate"  # one mirrored pixel is the edge pixel again
    padded = F.pad(coefficients, (1, 1, 1, 1), mode=mode)
    kernel = torch.tensor([1.0, 4.0, 1.0], dtype=torch.float64) / 6
    kernel = (kernel[:, None] * kernel).expand(3, 1, 3, 3)
    assert torch.allclose(F.conv2d(padded, kernel, groups=3), photo, atol=1e-7)


@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_every_value_is_the_sum_of_the_splines_around_it(make_photo, generator, border):
    photo = make_photo(17, 26)
    rows = torch.rand(5, 4, generator=generator, dtype=torch.float64) * 60 - 20  # far outside as well
    columns = torch.rand(5, 4, generator=generator, dtype=torch.float64) * 90 - 30
    found = spline_sample(photo, rows, columns, border)
    c = spline_coefficients(photo, border)[0]
    for i in range(5):
        for j in range(4):
            y, x = float(rows[i, j]), float(columns[i, j])
            expected = torch.zeros(3)
            for k in range(math.floor(y) - 1, math.floor(y) + 3):
                for m in range(math.floor(x) - 1, math.floor(x) + 3):
                    expected += c[:, fold(k, 17, border), fold(m, 26, border)] * bump(y - k) * bump(x - m)
            assert torch.allclose(found[0, :, i, j], expected, atol=1e-4)


@pytest.mark.parametrize("border", ["reflect", "wrap"])
def test_whole_places_have_the_pixels_own_values(make_photo, border):
    photo = make_photo(40, 61)
    assert torch.allclose(shifted(photo, 0, 0, border), photo, atol=1e-4)
    rolled = shifted(photo, 3, -5, "wrap")
    assert torch.allclose(rolled, photo.roll((-3, 5), (-2, -1)), atol=2e-4)


def test_mirrored_borders_show_the_edge_twice(make_photo):
    photo = make_photo(12, 15)
    above = shifted(photo, -12, 0, "reflect")
    assert torch.allclose(above, photo.flip(-2), atol=2e-4)


@pytest.mark.parametrize(("cycles", "loss"), [(4, 1e-4), (8, 0.002), (16, 0.03)])
def test_waves_keep_their_strength_between_pixels(cycles, loss):
    x = torch.arange(64, dtype=torch.float64)
    waves = 0.5 + 0.4 * torch.sin(2 * math.pi * cycles * x / 64).expand(1, 3, 20, 64)
    found = shifted(waves.float(), 0.3, 0.5) - 0.5
    truth = 0.4 * torch.sin(2 * math.pi * cycles * (x + 0.5) / 64)
    gain = float((found[0, 0, 0].double() * truth).sum() / truth.square().sum())
    assert 1 - loss < gain < 1 + 1e-4


@pytest.mark.parametrize("right", [0.1, 0.25, 0.5, 0.75])
def test_no_frequency_is_ever_amplified(generator, right):
    """Frame by frame resampling raises this gain to a power of hundreds."""
    noise = torch.rand(1, 1, 32, 64, generator=generator)
    before, after = torch.fft.rfft2(noise).abs(), torch.fft.rfft2(shifted(noise, 0, right)).abs()
    assert float((after / before).max()) < 1.001
    theirs = torch.linspace(-1 + 1 / 64, 1 - 1 / 64, 64) + 2 * right / 64
    grid = torch.stack([theirs.expand(32, 64), torch.linspace(-31 / 32, 31 / 32, 32)[:, None].expand(32, 64)], -1)
    periodic = torch.cat([noise, noise, noise], -1)
    grid[..., 0] /= 3
    other = F.grid_sample(periodic, grid[None], mode="bicubic", align_corners=False)
    amplified = float((torch.fft.rfft2(other).abs() / before).max())
    assert amplified > 1.003  # why it is not used: 1.026 at half a pixel


def test_a_batch_is_sampled_picture_by_picture(make_photo):
    photos = torch.cat([make_photo(20, 30, seed) for seed in (1, 2)])
    both = shifted(photos, 0.4, 1.7, "reflect")
    assert torch.allclose(both[1:], shifted(photos[1:], 0.4, 1.7, "reflect"), atol=1e-6)
