import pytest
import torch

from reverie.numerics.fourier import frequencies, natural_scale, resize_spectrum, to_image, to_spectrum

SIZES = [(8, 8), (9, 9), (8, 9), (9, 8), (15, 6), (1, 5), (32, 21)]


@pytest.mark.parametrize("size", SIZES)
def test_image_and_spectrum_round_trip_on_odd_and_even_sizes(size):
    image = torch.randn(2, 3, *size, dtype=torch.float64)
    assert torch.allclose(to_image(to_spectrum(image), size), image, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_frequencies_are_those_of_a_plain_formula(size):
    height, width = size
    table = frequencies(height, width)
    assert table.shape == (height, width // 2 + 1)
    for row in range(height):
        down = min(row, height - row) / height
        for column in range(width // 2 + 1):
            assert float(table[row, column]) == pytest.approx((down**2 + (column / width) ** 2) ** 0.5, abs=1e-6)


def test_natural_scale_halves_with_every_octave_and_is_finite_at_zero():
    scale = natural_scale(64, 64)
    assert float(scale[0, 4] / scale[0, 8]) == pytest.approx(2)
    assert float(natural_scale(64, 64, 1.5)[0, 4] / natural_scale(64, 64, 1.5)[0, 8]) == pytest.approx(2**1.5)
    assert float(scale[0, 0]) == pytest.approx(64)


def test_a_single_wave_sits_at_its_own_place_with_parsevals_energy():
    x = torch.cos(2 * torch.pi * 3 * torch.arange(20, dtype=torch.float64) / 20).expand(10, 20)
    spectrum = to_spectrum(x)
    assert int(spectrum.abs().argmax()) == 3
    assert float(2 * spectrum.abs().square().sum()) == pytest.approx(float(x.square().sum()))


@pytest.mark.parametrize("old", SIZES)
@pytest.mark.parametrize("factor", [2, 3])
def test_a_spectrum_enlarged_and_reduced_again_is_the_same_picture(old, factor):
    image = torch.randn(3, *old, dtype=torch.float64)
    new = (old[0] * factor + 1, old[1] * factor)
    there = resize_spectrum(to_spectrum(image), old, new)
    assert torch.allclose(to_image(resize_spectrum(there, new, old), old), image, atol=1e-12)


@pytest.mark.parametrize("old", [(8, 8), (9, 7), (8, 9), (7, 10)])
def test_an_enlarged_picture_passes_through_the_pixels_of_the_old_one(old):
    image = torch.randn(3, *old, dtype=torch.float64)
    new = (2 * old[0], 3 * old[1])
    large = to_image(resize_spectrum(to_spectrum(image), old, new), new)
    assert torch.allclose(large[..., ::2, ::3], image, atol=1e-12)


def test_contrast_and_brightness_survive_a_change_of_size():
    y, x = torch.meshgrid(torch.arange(30.0), torch.arange(40.0), indexing="ij")
    image = 0.4 + 0.2 * torch.cos(2 * torch.pi * (2 * y / 30 + 3 * x / 40))
    for new in [(45, 61), (20, 27), (60, 80)]:
        moved = to_image(resize_spectrum(to_spectrum(image), (30, 40), new), new)
        assert float(moved.mean()) == pytest.approx(0.4, abs=1e-5)
        assert float(moved.std()) == pytest.approx(float(image.std()), rel=0.01)
