import pytest
import torch
from torch import Generator

from reverie.canvas.low_pass import LowPassCanvas
from reverie.canvas.pixels import PixelCanvas
from reverie.canvas.spectrum import SpectrumCanvas
from reverie.numerics.fourier import frequencies, low_pass, to_spectrum


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (40, 25)])
def test_nothing_is_left_far_above_the_cut_and_everything_far_below(size):
    noise = SpectrumCanvas.noise(size, Generator().manual_seed(0), spread=0.3, decay=0.0)
    before, after = (to_spectrum(c().detach()).abs() for c in (noise, LowPassCanvas(noise, size, 0.2)))
    f = frequencies(*size)
    assert float(after[..., f > 0.27].max()) < 1e-5
    assert torch.allclose(after[..., f < 0.13], before[..., f < 0.13], atol=1e-4)


def test_half_is_left_at_the_cut():
    factor = low_pass(40, 40, 0.25)
    assert factor[0, 10] == pytest.approx(0.5)  # 10 / 40 cycles per pixel
    assert factor[0, 0] == 1


def test_pixels_stay_in_their_bounds_and_what_is_filtered_can_still_be_moved():
    canvas = LowPassCanvas(PixelCanvas(torch.rand(1, 3, 16, 16)), (16, 16), 0.25)
    optimizer = torch.optim.Adam(canvas.parameters(), lr=0.05)
    for _ in range(40):
        error = (canvas() - 0.9).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        canvas.clip_()
    assert error.sqrt().item() < 0.03
    images = canvas().detach()
    assert float(images.min()) >= 0 and float(images.max()) <= 1


def test_it_is_filtered_anew_at_another_size():
    canvas = LowPassCanvas(SpectrumCanvas.noise((20, 24), Generator().manual_seed(0)), (20, 24), 0.25).resized((40, 48))
    assert canvas().shape == (1, 3, 40, 48)
    assert canvas.cut == 0.25
