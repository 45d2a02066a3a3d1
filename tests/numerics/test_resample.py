import pytest
import torch

from reverie.numerics.resample import long_side, octave_sizes, resize, wrapped_window, wrapped_write


def test_resize_to_its_own_size_returns_the_very_tensor():
    images = torch.rand(2, 3, 17, 23)
    assert resize(images, (17, 23)) is images


def test_resize_keeps_a_constant_and_the_center_of_mass_of_a_blob():
    assert torch.allclose(resize(torch.full((1, 3, 40, 30), 0.3), (13, 11)), torch.tensor(0.3), atol=1e-6)
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    blob = torch.exp(-((y - 20.5) ** 2 + (x - 50.5) ** 2) / 50)[None, None]
    small = resize(blob, (30, 40))[0, 0]
    rows, columns = torch.arange(30.0) * 2 + 0.5, torch.arange(40.0) * 2 + 0.5
    assert float((small.sum(1) * rows).sum() / small.sum()) == pytest.approx(20.5, abs=0.02)
    assert float((small.sum(0) * columns).sum() / small.sum()) == pytest.approx(50.5, abs=0.02)


def test_resize_does_not_alias_fine_stripes_into_coarse_ones():
    stripes = ((torch.arange(96) % 2).float() - 0.5).expand(1, 1, 96, 96)
    assert resize(stripes, (31, 31))[..., 2:-2, 2:-2].abs().max() < 0.02  # a nearest neighbor pick would give 0.5


@pytest.mark.parametrize(("size", "octaves", "scale"), [((768, 1024), 4, 1.4), ((333, 251), 7, 1.3), ((99, 640), 3, 2)])
def test_octave_sizes_are_all_computed_from_the_original_one(size, octaves, scale):
    sizes = octave_sizes(size, octaves, scale, 1)
    assert sizes[-1] == size
    assert len(sizes) == octaves
    for k, (height, width) in enumerate(reversed(sizes)):  # rounding does not drift from octave to octave
        assert abs(height - size[0] / scale**k) <= 0.5
        assert abs(width - size[1] / scale**k) <= 0.5


def test_octaves_below_the_floor_are_left_out_but_never_the_last():
    sizes = octave_sizes((200, 300), 6, 1.5, 64)
    assert [min(s) for s in sizes] == [89, 133, 200]
    assert octave_sizes((40, 300), 6, 1.5, 64) == [(40, 300)]


def test_long_side_keeps_the_aspect():
    assert long_side((600, 800), 400) == (300, 400)
    assert long_side((1000, 3), 100) == (100, 1)


@pytest.mark.parametrize("window", [(-3, -5, 6, 7), (7, 9, 5, 8), (0, 0, 11, 13), (-40, 25, 4, 3), (-2, -2, 25, 30)])
def test_a_wrapped_window_is_the_window_of_the_rolled_picture(window):
    top, left, height, width = window
    images = torch.rand(2, 3, 11, 13)
    tiled = images.repeat(1, 1, 3, 3)  # windows larger than the picture see it again
    expected = torch.roll(tiled, (-top, -left), (-2, -1))[..., :height, :width]
    assert torch.equal(wrapped_window(images, top, left, height, width), expected)


@pytest.mark.parametrize("place", [(-3, -5), (8, 10), (0, 0), (-40, 25)])
def test_wrapped_write_is_the_inverse_of_wrapped_window(place):
    target, window = torch.zeros(1, 2, 11, 13), torch.rand(1, 2, 6, 7)
    wrapped_write(target, window, *place)
    assert torch.equal(wrapped_window(target, *place, 6, 7), window)
    blank = torch.zeros(1, 2, 11, 13)
    blank[..., :6, :7] = window
    assert torch.equal(target, torch.roll(blank, place, (-2, -1)))
