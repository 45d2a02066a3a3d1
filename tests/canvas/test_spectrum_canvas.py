import pytest
import torch
from torch import Generator

from reverie.canvas.spectrum import MARGIN, SpectrumCanvas
from reverie.numerics.color import correlation_matrix, decorrelate
from reverie.numerics.fourier import natural_scale, to_image, to_spectrum


def decorrelated(canvas: SpectrumCanvas) -> torch.Tensor:
    """The picture before color and sigmoid, recovered from the output by their inverses."""
    return decorrelate(torch.logit(canvas().detach().double()), canvas.matrix)


@pytest.mark.parametrize("size", [(48, 48), (33, 47), (20, 90), (64, 2), (64, 1)])
@pytest.mark.parametrize("decay", [0.5, 1.0, 1.5])
def test_unit_noise_has_mean_square_one_whatever_the_size_and_decay(size, decay):
    canvas = SpectrumCanvas.noise(size, Generator().manual_seed(0), batch=60, decay=decay)
    assert float(decorrelated(canvas).square().mean()) == pytest.approx(1, rel=0.2)


def test_spread_scales_the_noise():
    one, fifth = (SpectrumCanvas.noise((32, 32), Generator().manual_seed(0), spread=s) for s in (1.0, 0.2))
    assert torch.allclose(0.2 * decorrelated(one), decorrelated(fifth), atol=1e-5)


def test_noise_has_the_spectrum_of_nature():
    canvas = SpectrumCanvas.noise((64, 64), Generator().manual_seed(0), batch=100)
    power = to_spectrum(decorrelated(canvas)).abs().square().mean((0, 1))[1:32, 1:32]
    slope = power * natural_scale(64, 64)[1:32, 1:32].double() ** -2
    assert float(slope.std() / slope.mean()) < 0.15


def test_forward_is_the_formula():
    size = (10, 13)
    canvas = SpectrumCanvas.noise(size, Generator().manual_seed(0))
    plain = to_image(torch.view_as_complex(canvas.spectrum.detach()) * canvas.scale, size)
    expected = torch.sigmoid(torch.einsum("rc,bchw->brhw", correlation_matrix(), plain))
    assert torch.allclose(canvas().detach(), expected, atol=1e-6)


def test_black_and_white_are_reached_to_within_the_margin():
    photo = torch.zeros(1, 3, 16, 16)
    photo[..., 8:] = 1
    images = SpectrumCanvas.from_images(photo)().detach()
    assert float((images - photo).abs().max()) < 1.1 * MARGIN


def test_a_color_matrix_of_the_critics_own_is_used_and_survives_resizing():
    matrix = correlation_matrix(((0.3, 0.1, 0.0), (0.3, 0.0, -0.1), (0.2, -0.1, 0.1)))
    canvas = SpectrumCanvas.noise((12, 12), Generator().manual_seed(0), matrix=matrix, decay=1.2).resized((15, 18))
    assert torch.equal(canvas.matrix, matrix)
    assert canvas.decay == 1.2


def test_enlarging_adds_no_new_frequencies_and_reducing_again_gives_the_same_picture():
    canvas = SpectrumCanvas.noise((16, 20), Generator().manual_seed(0))
    large = canvas.resized((31, 40))
    assert float(to_spectrum(decorrelated(large))[..., 9:22, :].abs().max()) < 1e-4
    assert torch.allclose(large.resized((16, 20))(), canvas(), atol=1e-5)
