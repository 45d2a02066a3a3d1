import pytest
import torch

from reverie.numerics.fourier import frequencies, natural_scale, to_image
from reverie.numerics.radial import BINS, HIGHEST, LOWEST, RadialMean, centers, magnitude_of


def noise(size, decay, generator):
    """Gaussian noise whose spectrum falls with 1 / f ** decay, of deviation 1 in every unscaled coefficient."""
    shape = (3, size[0], size[1] // 2 + 1)
    spectrum = torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)) / 2**0.5
    return to_image(spectrum * natural_scale(*size, decay), size)


def test_white_noise_has_a_flat_profile_of_its_deviation(generator):
    mean = RadialMean()
    for _ in range(8):
        mean.add(0.3 * torch.randn(3, 61, 84, generator=generator))
    inner = mean.profile()[:, centers() > 0.05]
    assert torch.allclose(inner, torch.full_like(inner, 0.3), rtol=0.12)


@pytest.mark.parametrize("decay", [0.8, 1.2, 1.6])
def test_the_slope_of_natural_noise_is_found(decay, generator):
    mean = RadialMean()
    for size in [(128, 96), (101, 140), (128, 128)]:
        mean.add(noise(size, decay, generator))
    profile, frequency = mean.profile().mean(0), centers()
    band = (frequency > 0.04) & (frequency < 0.4)
    x, y = frequency[band].log(), profile[band].log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert float(slope) == pytest.approx(-decay, abs=0.12)


def test_a_profile_is_drawn_as_straight_lines_through_its_points():
    profile = centers().pow(-1.5).expand(3, -1)
    for size in [(64, 64), (33, 47), (20, 1)]:
        frequency = frequencies(*size)
        inside = (frequency >= LOWEST) & (frequency <= HIGHEST)
        magnitude = magnitude_of(profile, size)
        assert magnitude.shape == (3, *frequency.shape)
        expected = frequency[inside].pow(-1.5)
        assert torch.allclose(magnitude[1][inside], expected, rtol=1e-3)
        assert torch.isfinite(magnitude).all()


def test_measuring_what_was_drawn_gives_the_profile_back(generator):
    profile = torch.stack([3 * centers().pow(-1.0), centers().pow(-1.4), 0.2 * centers().pow(-0.6)])
    size, mean = (120, 160), RadialMean()
    magnitude = magnitude_of(profile, size)
    for _ in range(12):
        shape = magnitude.shape
        unit = torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)) / 2**0.5
        mean.add(to_image(unit * magnitude, size))
    band = (centers() > 0.05) & (centers() < 0.45)
    assert torch.allclose(mean.profile()[:, band], profile[:, band], rtol=0.15)


def test_one_tiny_picture_leaves_no_gap(generator):
    mean = RadialMean(1)
    mean.add(torch.randn(1, 8, 8, generator=generator))
    profile = mean.profile()
    assert profile.shape == (1, BINS)
    assert torch.isfinite(profile).all() and (profile > 0).all()
