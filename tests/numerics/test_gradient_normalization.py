import pytest
import torch

from reverie.numerics.gradient import NORMALIZATIONS, laplacian_normalized, mean_abs_normalized, std_normalized

ALL = pytest.mark.parametrize("name", sorted(NORMALIZATIONS))


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def band(gradient: torch.Tensor, low: float, high: float) -> float:
    """Root mean power between two frequencies in cycles per pixel."""
    spectrum = torch.fft.fft2(gradient, norm="ortho").abs().square()
    height, width = gradient.shape[-2:]
    f = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
    return float(spectrum[..., (f >= low) & (f < high)].mean().sqrt())


@ALL
@pytest.mark.parametrize("size", [1e-35, 1e-21, 1e-3, 1e20])
def test_a_step_is_as_long_for_a_gradient_of_any_size(name, size):
    normalize = NORMALIZATIONS[name]
    gradient = noise(2, 3, 33, 40)
    assert torch.allclose(normalize(gradient * size), normalize(gradient), rtol=1e-3, atol=1e-4)


def test_mean_abs_and_std_have_the_magnitude_of_their_names():
    gradient = noise(2, 3, 20, 31) + 0.5
    assert torch.allclose(mean_abs_normalized(gradient).abs().mean((1, 2, 3)), torch.ones(2))
    assert torch.allclose(std_normalized(gradient).flatten(1).std(1, correction=0), torch.ones(2))
    assert torch.allclose(laplacian_normalized(gradient).abs().mean((1, 2, 3)), torch.ones(2))


def test_mean_abs_and_std_keep_the_direction():
    gradient = noise(1, 3, 20, 31) + 0.5
    for normalize in (mean_abs_normalized, std_normalized):
        ratio = normalize(gradient) / gradient
        assert torch.allclose(ratio, ratio.mean().expand_as(ratio), rtol=1e-5)


@ALL
def test_every_picture_of_a_batch_is_normalized_alone(name):
    normalize = NORMALIZATIONS[name]
    one, two = noise(1, 3, 24, 24), 1e6 * noise(1, 3, 24, 24, seed=1)
    both = normalize(torch.cat([one, two]))
    assert torch.allclose(both, torch.cat([normalize(one), normalize(two)]), rtol=1e-5)


@ALL
def test_no_gradient_stays_none_instead_of_not_a_number(name):
    normalize = NORMALIZATIONS[name]
    assert torch.equal(normalize(torch.zeros(1, 3, 16, 16)), torch.zeros(1, 3, 16, 16))
    mixed = normalize(torch.cat([torch.zeros(1, 3, 16, 16), noise(1, 3, 16, 16)]))
    assert torch.isfinite(mixed).all()
    assert not mixed[0].any()


@ALL
def test_a_mask_takes_its_statistics_from_inside_only(name):
    normalize = NORMALIZATIONS[name]
    mask = torch.zeros(1, 1, 48, 48)
    mask[..., 8:40, 8:40] = 1
    inside = noise(1, 3, 48, 48)
    masked = normalize(torch.where(mask > 0, inside, torch.zeros(())), mask)
    assert float((masked * mask).abs().sum() / (3 * mask.sum())) == pytest.approx(1, rel=0.3)
    far = torch.ones(1, 1, 48, 48)
    far[..., 4:44, 4:44] = 0  # a gradient outside, away from the border of the mask, changes nothing inside of it
    disturbed = normalize(torch.where(mask > 0, inside, 1e4 * far * noise(1, 3, 48, 48, seed=3)), mask)
    assert torch.allclose(disturbed[..., 8:40, 8:40], masked[..., 8:40, 8:40], rtol=1e-3, atol=1e-3)


def test_the_laplacian_pyramid_brings_weak_low_frequencies_up_to_strong_high_ones():
    y = torch.arange(96.0)
    slow = (torch.sin(2 * torch.pi * y / 24)[:, None] * torch.cos(2 * torch.pi * y / 24)).expand(1, 3, 96, 96)
    gradient = noise(1, 3, 96, 96) + 0.01 * slow
    before = band(gradient, 0.03, 0.07) / band(gradient, 0.2, 0.5)
    normalized = laplacian_normalized(gradient)
    after = band(normalized, 0.03, 0.07) / band(normalized, 0.2, 0.5)
    assert before < 1.2
    assert after > 3  # bands of equal rms: the narrow low one has more power per frequency


def test_the_laplacian_pyramid_does_not_shift_low_frequencies():
    gradient = noise(1, 3, 64, 96)
    for dims in ([-1], [-2], [-2, -1]):
        assert torch.allclose(
            laplacian_normalized(gradient.flip(dims)), laplacian_normalized(gradient).flip(dims), atol=1e-4
        )


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (5, 7), (33, 47)])
def test_the_laplacian_pyramid_takes_any_size(size):
    assert torch.isfinite(laplacian_normalized(noise(1, 3, *size))).all()
