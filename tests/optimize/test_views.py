import pytest
import torch
from torch import Generator
from torch.nn import functional as F

from reverie.optimize.views import Views


def coordinates(height, width):
    """A picture that says where it is: red is the row, green the column, each from 0 to 1."""
    rows, columns = torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij")
    return torch.stack([rows, columns, torch.zeros(height, width)])[None]


@pytest.mark.parametrize("size", [(60, 60), (50, 90), (90, 50)])
def test_crops_are_squares_inside_the_picture_of_the_sizes_asked_for(size):
    views = Views(400, 8, smallest=0.3, largest=0.8, spread=0.4)
    boxes = views._boxes(*size, Generator().manual_seed(0))
    sides = [side for _, _, side, _ in boxes]
    shorter = min(size)
    assert round(0.3 * shorter) <= min(sides) < 0.35 * shorter
    assert 0.75 * shorter < max(sides) <= round(0.8 * shorter)
    for top, left, side, _ in boxes:
        assert 0 <= top <= size[0] - side
        assert 0 <= left <= size[1] - side
    assert 120 < sum(mirrored for *_, mirrored in boxes) < 280


def test_a_view_is_the_crop_brought_to_size():
    views, image = Views(6, 16, noise=0.0), torch.rand(2, 3, 40, 70, generator=Generator().manual_seed(1))
    seen = views.look(image, Generator().manual_seed(0)).unflatten(0, (2, 6))
    boxes = views._boxes(40, 70, Generator().manual_seed(0))
    for k, (top, left, side, mirrored) in enumerate(boxes):
        crop = F.interpolate(
            image[..., top : top + side, left : left + side], (16, 16), mode="bilinear", antialias=True
        )
        assert torch.allclose(seen[:, k], crop.flip(-1) if mirrored else crop)


def test_every_pixel_of_a_view_depends_on_pixels_all_over_its_crop():
    views = Views(1, 4, smallest=1.0, largest=1.0, noise=0.0, flip=False)
    image = torch.rand(1, 3, 64, 64, generator=Generator().manual_seed(0)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(views.look(image, Generator()).sum(), image)
    assert (gradient > 0).all()  # a point-wise sampler would look at 64 of 4096 pixels
    assert float(gradient.sum()) == pytest.approx(3 * 16, rel=1e-4)


def test_views_keep_their_place_in_the_picture():
    views = Views(20, 8, smallest=0.4, largest=0.4, spread=0.3, noise=0.0, flip=False)
    seen = views.look(coordinates(50, 80), Generator().manual_seed(3))
    for view, (top, left, side, _) in zip(seen, views._boxes(50, 80, Generator().manual_seed(3)), strict=True):
        assert float(view[0].mean()) == pytest.approx((top + (side - 1) / 2) / 49, abs=0.01)
        assert float(view[1].mean()) == pytest.approx((left + (side - 1) / 2) / 79, abs=0.01)


def test_noise_has_its_deviation_and_differs_between_views():
    views = Views(8, 32, noise=0.1)
    seen = views.look(torch.full((2, 3, 40, 40), 0.5), Generator().manual_seed(0))
    assert seen.shape == (16, 3, 32, 32)
    assert float((seen - 0.5).std()) == pytest.approx(0.1, rel=0.03)
    assert not torch.equal(seen[0], seen[8])


def test_the_same_seed_gives_the_same_views_and_there_is_no_shift():
    image = torch.rand(1, 3, 48, 48, generator=Generator().manual_seed(5))
    one, two = (Views(4, 16).look(image, Generator().manual_seed(9)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, Views(4, 16).look(image, Generator().manual_seed(10)))
    assert Views().shift(Generator()) == (0, 0)


def test_a_picture_smaller_than_any_crop_is_seen_whole():
    views = Views(3, 16, noise=0.0, flip=False)
    seen = views.look(coordinates(5, 5), Generator().manual_seed(0))
    assert seen.shape == (3, 3, 16, 16)
    assert torch.equal(seen[0], seen[1])
