import pytest
import torch
from torch import Generator

from reverie.canvas.phase import DECAY, PhaseCanvas, natural_magnitude
from reverie.numerics.color import correlation_matrix, decorrelate
from reverie.numerics.fourier import frequencies, to_image, to_spectrum
from reverie.numerics.radial import RadialMean


def decorrelated(canvas: PhaseCanvas) -> torch.Tensor:
    """The picture before color and sigmoid, recovered from the output by their inverses."""
    return decorrelate(torch.logit(canvas().detach().double()), canvas.matrix)


@pytest.mark.parametrize("size", [(48, 48), (33, 47), (20, 90), (64, 2), (64, 1)])
def test_the_contrast_is_the_deviation_whatever_the_size(size):
    canvas = PhaseCanvas.noise(size, Generator().manual_seed(0), batch=60, contrast=0.7)
    assert float(decorrelated(canvas).square().mean()) == pytest.approx(0.49, rel=0.15)


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_no_step_changes_the_magnitude(size):
    canvas = PhaseCanvas.noise(size, Generator().manual_seed(0))
    before = to_spectrum(decorrelated(canvas)).abs()
    optimizer = torch.optim.NAdam(canvas.parameters(), lr=1.0)
    for _ in range(5):
        optimizer.zero_grad()
        canvas()[..., :10, :10].sum().backward()
        optimizer.step()
    after = to_spectrum(decorrelated(canvas)).abs()
    inner = (slice(None), slice(None), slice(1, size[0] // 2), slice(1, size[1] // 2))  # others are their own mirror
    assert torch.allclose(before[inner], after[inner], rtol=1e-3, atol=1e-4)
    assert not torch.allclose(decorrelated(canvas), to_image(torch.polar(before, before * 0), size), atol=0.1)


def test_forward_is_the_formula():
    size = (10, 13)
    canvas = PhaseCanvas.noise(size, Generator().manual_seed(0))
    phase = canvas.phase.detach()
    spectrum = canvas.magnitude * torch.complex(phase.cos(), phase.sin())
    expected = torch.sigmoid(torch.einsum("rc,bchw->brhw", correlation_matrix(), to_image(spectrum, size)))
    assert torch.allclose(canvas().detach(), expected, atol=1e-6)


def test_the_analytic_magnitude_falls_with_its_power():
    magnitude, frequency = natural_magnitude((64, 64))[0], frequencies(64, 64)
    ratio = magnitude[0, 4] / magnitude[0, 16]
    assert float(ratio) == pytest.approx(float(frequency[0, 16] / frequency[0, 4]) ** DECAY, rel=1e-4)


def test_a_measured_profile_gives_the_canvas_its_spectrum_and_relative_color(make_photo):
    mean = RadialMean()
    for seed in range(6):
        mean.add(make_photo(96, 80, seed)[0] * torch.tensor([4.0, 2.0, 1.0])[:, None, None])
    magnitude = natural_magnitude((90, 70), mean.profile())
    strength = magnitude.square().mean((1, 2)).sqrt()
    assert float(strength[0] / strength[1]) == pytest.approx(2, rel=0.25)
    assert float(strength[1] / strength[2]) == pytest.approx(2, rel=0.25)
    canvas = PhaseCanvas.noise((90, 70), Generator().manual_seed(0), batch=20, profile=mean.profile())
    assert float(decorrelated(canvas).square().mean()) == pytest.approx(1, rel=0.2)
