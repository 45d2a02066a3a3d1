import torch
from torch import Generator

from reverie.canvas.pixels import PixelCanvas


def test_pixels_are_given_back_bit_for_bit(make_photo):
    photo = make_photo(13, 9)
    canvas = PixelCanvas(photo)
    assert torch.equal(canvas(), photo)
    assert torch.equal(canvas.resized((13, 9))(), photo)


def test_clip_brings_every_pixel_into_range_and_leaves_the_others():
    canvas = PixelCanvas(torch.tensor([-0.5, 0.0, 0.25, 1.0, 7.0]).expand(1, 3, 2, 5))
    canvas.clip_()
    assert torch.equal(canvas()[0, 0, 0].detach(), torch.tensor([0.0, 0.0, 0.25, 1.0, 1.0]))


def test_resized_does_not_overshoot_hard_edges():
    edge = (torch.arange(40) < 20).float().expand(1, 3, 30, 40)
    images = PixelCanvas(edge).resized((45, 60))().detach()
    assert float(images.min()) >= 0
    assert float(images.max()) <= 1


def test_noise_is_grey_with_the_wanted_spread():
    images = PixelCanvas.noise((80, 90), Generator().manual_seed(0), spread=0.05)().detach()
    assert abs(float(images.mean()) - 0.5) < 0.002
    assert abs(float(images.std()) - 0.05) < 0.002
